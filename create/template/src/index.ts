// The Worker: the page, GET /classify?url=… and POST /classify.
// To make it a part of your own Hono app: app.route('/vision', classifier()), from the same package.
export { default } from '@graftjs/edge';
