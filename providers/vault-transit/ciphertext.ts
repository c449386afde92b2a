const FORM = /^vault:v([1-9]\d{0,8}):([A-Za-z0-9+/]+={0,2})$/;

/** A ciphertext of Transit: `vault:vN:BASE64`. The version in it is the one that the server uses. */
export interface Ciphertext {
  readonly text: string;
  /** Decimal, without leading zeros. */
  readonly version: string;
}

/** Reads a ciphertext; undefined for what the server cannot have made, which includes a second spelling of its base64. */
export function parseCiphertext(text: unknown): Ciphertext | undefined {
  if (typeof text !== 'string') return undefined;
  const [, version, data] = FORM.exec(text) ?? [];
  if (version === undefined || data === undefined) return undefined;
  return Buffer.from(data, 'base64').toString('base64') === data ? { text, version } : undefined;
}
