/** The Worker's bindings and variables. */
export interface Env {
  /** The files of `public/`, the model directories among them. */
  readonly ASSETS: Fetcher;
  /**
   * `1` lets `/classify` fetch from this machine's own addresses, on any port. For development
   * (`pnpm --filter edge dev --var ALLOW_LOOPBACK:1`), never in a deployed configuration.
   */
  readonly ALLOW_LOOPBACK?: string;
}
