declare module 'workerd' {
  /** The package is CommonJS: its default export holds another, the program's path. */
  const workerd: { readonly default: string };
  export default workerd;
}
