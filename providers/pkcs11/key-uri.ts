import { WaxsealError } from '../../src/errors/index.ts';
import { parseKeyUri } from '../../src/keys/uri.ts';

/** A PKCS#11 URI (RFC 7512), as far as it names a key. Texts are decoded. */
export interface Pkcs11Uri {
  /** Label of the token. */
  readonly token?: string;
  /** Manufacturer of the token. */
  readonly manufacturer?: string;
  /** Model of the token. */
  readonly model?: string;
  /** Serial number of the token. */
  readonly serial?: string;
  /** Number of the slot. */
  readonly slotId?: number;
  /** CKA_LABEL of the key. */
  readonly object?: string;
  /** CKA_ID, in hexadecimal. */
  readonly id?: string;
  /** Path of the library. */
  readonly modulePath?: string;
  /** File with the PIN. */
  readonly pinFile?: string;
  /** Of `x-mechanism`. */
  readonly mechanism?: string;
  /** Of `x-oaep-hash`. */
  readonly oaepHash?: string;
}

const PATH = ['token', 'manufacturer', 'model', 'serial', 'slot-id', 'object', 'id', 'type'];
const QUERY = ['module-path', 'pin-source', 'x-mechanism', 'x-oaep-hash'];

/** The URI that objects record: token and key, never how the token is reached. One spelling of each. */
export function recordedUri({
  token,
  serial,
  object,
  id,
}: {
  readonly [name in 'token' | 'serial' | 'object' | 'id']: string | undefined;
}): string {
  const parts = [
    ['token', token],
    ['serial', serial],
    ['object', object],
  ].flatMap(([name, value]) => (value === undefined ? [] : [`${String(name)}=${encode(value)}`]));
  if (id !== undefined) parts.push(`id=${id.replace(/../g, (byte) => `%${byte.toUpperCase()}`)}`);
  return `pkcs11:${parts.join(';')}`;
}

/** Everything but unreserved characters (RFC 3986) is encoded, so that a name has one spelling. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * Parses a PKCS#11 URI. Of the query, `module-path`, `pin-source` (a file) and our own `x-mechanism` and `x-oaep-hash` are
 * known. A PIN does not belong in a URI, which ends up in histories and logs: `pin-value` is refused.
 *
 * @throws WaxsealError `ERR_INVALID_KEY_URI`
 * @see https://www.rfc-editor.org/rfc/rfc7512
 */
export function parsePkcs11Uri(uri: string): Pkcs11Uri {
  const { scheme, rest } = parseKeyUri(uri);
  if (scheme !== 'pkcs11') throw invalid(uri, 'it does not begin with pkcs11:');
  const [path = '', query, more] = rest.split('?');
  if (more !== undefined) throw invalid(uri, 'it has two question marks');
  const attributes = new Map([...split(uri, path, ';', PATH), ...split(uri, query ?? '', '&', QUERY)]);
  const text = (name: string): string | undefined => {
    const raw = attributes.get(name);
    if (raw === '') throw invalid(uri, `${name} is empty`);
    return raw === undefined ? undefined : decode(uri, name, raw);
  };
  const type = text('type');
  if (type !== undefined && type !== 'secret-key' && type !== 'private') {
    throw invalid(uri, `keys of type "${type}" do not unwrap`);
  }
  const fields = {
    token: text('token'),
    manufacturer: text('manufacturer'),
    model: text('model'),
    serial: text('serial'),
    slotId: slotOf(uri, text('slot-id')),
    object: text('object'),
    id: idOf(uri, attributes.get('id')),
    modulePath: text('module-path'),
    pinFile: fileOf(uri, text('pin-source')),
    mechanism: text('x-mechanism'),
    oaepHash: text('x-oaep-hash'),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function split(uri: string, text: string, separator: string, known: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  if (text === '') return found;
  for (const part of text.split(separator)) {
    const at = part.indexOf('=');
    const name = part.slice(0, Math.max(at, 0));
    if (name === 'pin-value') {
      throw invalid(uri, 'a PIN in a URI ends up in histories and logs');
    }
    if (!known.includes(name)) throw invalid(uri, `"${name}" is unknown (${known.join(', ')})`);
    if (found.has(name)) throw invalid(uri, `"${name}" stands in it twice`);
    found.set(name, part.slice(at + 1));
  }
  return found;
}

function decode(uri: string, name: string, raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    throw invalid(uri, `${name} is not encoded as RFC 3986 says`);
  }
}

function idOf(uri: string, raw: string | undefined): string | undefined {
  if (raw === undefined) return undefined;
  const bytes = raw.replace(
    /%([0-9a-fA-F]{2})|([A-Za-z0-9._~:[\]@!$'()*+,=&-])/g,
    (_, hex: string | undefined, plain: string | undefined) =>
      hex !== undefined ? `<${hex.toLowerCase()}>` : `<${(plain ?? '').charCodeAt(0).toString(16).padStart(2, '0')}>`,
  );
  if (!/^(<[0-9a-f]{2}>){1,128}$/.test(bytes)) throw invalid(uri, 'id must be bytes such as %01%02');
  return bytes.replace(/[<>]/g, '');
}

function slotOf(uri: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,10}$/.test(text)) throw invalid(uri, 'slot-id must be a number');
  return Number(text);
}

function fileOf(uri: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const path = text.startsWith('file:') ? text.slice('file:'.length).replace(/^\/\/(?=\/)/, '') : text;
  if (path.startsWith('|') || path === '') throw invalid(uri, 'pin-source must be a file');
  return path;
}

/** A PIN that stands in the URI is not told. */
function invalid(uri: string, why: string): WaxsealError {
  const shown = uri.replace(/(pin[^=;&?]*=)(?!file:)[^;&]*/gi, '$1…');
  return new WaxsealError('ERR_INVALID_KEY_URI', `the key URI "${shown}" cannot be used: ${why}`, {
    object: shown,
    next: 'write pkcs11:token=TOKEN;object=KEY?module-path=/path/of/library.so&pin-source=file:/path/of/pin',
  });
}
