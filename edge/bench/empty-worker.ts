/** @public wrangler's entry */
export default { fetch: () => new Response('') } satisfies ExportedHandler;
