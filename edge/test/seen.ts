/** What the image host has received for a path. */
export interface Seen {
  readonly requests: number;
  /** Of the last of them. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** @param path of the host, with its query */
export async function seenAt(host: string, path: string): Promise<Seen> {
  const response = await fetch(`${host}/seen?of=${encodeURIComponent(path)}`);
  return (await response.json()) as Seen;
}
