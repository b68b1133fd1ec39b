// The Worker with similar images, and jobs too: `npm run deploy -- --search` deploys it in place of index.ts.
export { default, JobWorkflow } from '@graftjs/edge/with-search';
