// The Worker with jobs, which `npm run deploy -- --jobs` deploys in place of index.ts.
export { default, JobWorkflow } from '@graftjs/edge/with-jobs';
