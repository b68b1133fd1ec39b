/** A parameter of a media type. Unquoted values may have any character. @see RFC 9110, 5.6.6 */
const PARAMETER = /[\t ]*;[\t ]*(?:([\w!#$%&'*+.^`|~-]+)=(?:([^\s;,"\\]+)|"((?:[^"\\]|\\.)*)"))?/y;

/** @param header Content-Type @param type as in `application/json` */
export function isMediaType(header: string | null, type: string): boolean {
  return header?.split(';', 1)[0]?.trim().toLowerCase() === type;
}

/**
 * All values of one parameter of a media type.
 *
 * @param header Content-Type
 * @param name in lower case
 * @returns undefined where the header does not follow the grammar
 */
export function parameterValues(header: string, name: string): string[] | undefined {
  const values: string[] = [];
  let at = header.split(';', 1)[0]?.length ?? 0;
  const end = header.trimEnd().length;
  while (at < end) {
    PARAMETER.lastIndex = at;
    const found = PARAMETER.exec(header);
    if (!found) return undefined;
    const [whole, key, plain, quoted] = found;
    at += whole.length;
    if (key?.toLowerCase() !== name) continue;
    values.push(plain ?? (quoted ?? '').replace(/\\(.)/g, '$1'));
  }
  return values;
}
