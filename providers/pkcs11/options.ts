import { refuseUnknownOptions, WaxsealError } from '../../src/errors/index.ts';
import { CALL_LIMITS, type CallLimits } from '../../src/keys/remote/index.ts';
import { type Pkcs11Uri, parsePkcs11Uri } from './key-uri.ts';
import type { Mechanism, OaepHash } from './protocol.ts';

/** Options of `pkcs11`. */
export interface Pkcs11Options extends CallLimits {
  /** A PKCS#11 URI (RFC 7512) that names token and key; or the options `token` and `object`. */
  readonly uri?: string | undefined;
  /** Label of the token. */
  readonly token?: string | undefined;
  /** Serial number of the token, where two have one label. */
  readonly serial?: string | undefined;
  /** Number of the slot, where neither label nor serial number tells tokens apart; it is not recorded. */
  readonly slotId?: number | undefined;
  /** CKA_LABEL of the key; all keys with it are its versions. */
  readonly object?: string | undefined;
  /** CKA_ID in hexadecimal: only this version, which then cannot be rotated. */
  readonly id?: string | undefined;
  /** Path of the PKCS#11 library (.so, .dylib, .dll); or `module-path` in the URI. */
  readonly library?: string | undefined;
  /** What C_Initialize gets as library parameters, for libraries that need it (NSS). */
  readonly libraryParameters?: string | undefined;
  /** The PIN, or what gives it; asked once. Else `pinFile`, `pin-source` in the URI, or WAXSEAL_PKCS11_PIN. */
  readonly pin?: string | (() => string | Promise<string>) | undefined;
  /** File with the PIN in its first line. */
  readonly pinFile?: string | undefined;
  /** `aes-gcm` for AES keys and `rsa-oaep` for RSA keys by default; `aes-kwp` also rewraps inside the token. */
  readonly mechanism?: Mechanism | undefined;
  /** `sha256` by default. `sha1` is for tokens that know no other, and used only where it is asked for. */
  readonly oaepHash?: OaepHash | undefined;
  /** Sessions that work at the same time; 4 by default. */
  readonly sessions?: number | undefined;
}

const NAMES = [
  'uri',
  'token',
  'serial',
  'slotId',
  'object',
  'id',
  'library',
  'libraryParameters',
  'pin',
  'pinFile',
  'mechanism',
  'oaepHash',
  'sessions',
  ...CALL_LIMITS,
] as const;

const MECHANISMS: readonly string[] = ['aes-gcm', 'aes-kwp', 'rsa-oaep'];
const HASHES: readonly string[] = ['sha256', 'sha1'];
const DEFAULT_SESSIONS = 4;
const MAX_SESSIONS = 64;
const MAX_SLOT = 0xffff_ffff;

/** What options and URI say together. */
export interface Settings {
  readonly query: Pkcs11Uri & { readonly object: string };
  readonly library: string;
  readonly libraryParameters: string | undefined;
  readonly mechanism: Mechanism | undefined;
  readonly oaepHash: OaepHash;
  readonly sessions: number;
  readonly pin: Pkcs11Options['pin'];
  readonly pinFile: string | undefined;
}

/** @throws TypeError, RangeError; WaxsealError `ERR_INVALID_KEY_URI`, `ERR_CONFIG` */
export function settingsOf(options: Pkcs11Options, more: readonly string[]): Settings {
  refuseUnknownOptions('pkcs11', options, [...NAMES, ...more]);
  for (const name of ['uri', 'token', 'serial', 'object', 'library', 'libraryParameters', 'pinFile'] as const) {
    const value: unknown = options[name];
    if (value === undefined) continue;
    if (typeof value !== 'string' || !value.isWellFormed()) throw new TypeError(`pkcs11: ${name} must be a text`);
    if (value === '') throw new TypeError(`pkcs11: ${name} must not be empty`);
  }
  const { uri, token, serial, slotId, object, id, pin, sessions = DEFAULT_SESSIONS } = options;
  if (uri !== undefined && [token, serial, slotId, object, id].some((part) => part !== undefined)) {
    throw new TypeError('pkcs11: uri excludes token, serial, slotId, object and id');
  }
  if (id !== undefined && (typeof id !== 'string' || !/^([0-9a-f]{2}){1,128}$/.test(id))) {
    throw new TypeError('pkcs11: id must be bytes in lower-case hexadecimal');
  }
  if (slotId !== undefined && (!Number.isSafeInteger(slotId) || slotId < 0 || slotId > MAX_SLOT)) {
    throw new RangeError('pkcs11: slotId must be an unsigned number of 32 bits');
  }
  if (pin !== undefined && typeof pin !== 'string' && typeof pin !== 'function') {
    throw new TypeError('pkcs11: pin must be a text or a function');
  }
  if (!Number.isSafeInteger(sessions) || sessions < 1 || sessions > MAX_SESSIONS) {
    throw new RangeError(`pkcs11: sessions must be 1 to ${String(MAX_SESSIONS)}`);
  }
  const given: Pkcs11Uri = uri === undefined ? fromParts(options) : parsePkcs11Uri(uri);
  const library = options.library ?? given.modulePath;
  if (given.object === undefined || (given.token ?? given.serial) === undefined) {
    throw new WaxsealError(
      'ERR_INVALID_KEY_URI',
      'a PKCS#11 key is named by its token (label or serial) and its object',
      {
        object: uri,
        next: 'write pkcs11:token=TOKEN;object=KEY?module-path=/path/of/library.so',
      },
    );
  }
  if (library === undefined) {
    throw new WaxsealError('ERR_CONFIG', 'the path of the PKCS#11 library is not known', {
      object: uri,
      next: 'give the option library, or ?module-path=/path/of/library.so in the URI',
    });
  }
  return {
    query: { ...given, object: given.object },
    library,
    libraryParameters: options.libraryParameters,
    mechanism: oneOf('mechanism', options.mechanism ?? given.mechanism, MECHANISMS) as Mechanism | undefined,
    oaepHash: (oneOf('oaepHash', options.oaepHash ?? given.oaepHash, HASHES) as OaepHash | undefined) ?? 'sha256',
    sessions,
    pin,
    pinFile: options.pinFile ?? given.pinFile,
  };
}

function fromParts({ token, serial, slotId, object, id }: Pkcs11Options): Pkcs11Uri {
  return {
    ...(token === undefined ? {} : { token }),
    ...(serial === undefined ? {} : { serial }),
    ...(slotId === undefined ? {} : { slotId }),
    ...(object === undefined ? {} : { object }),
    ...(id === undefined ? {} : { id }),
  };
}

function oneOf(name: string, value: unknown, allowed: readonly string[]): string | undefined {
  if (value === undefined || (typeof value === 'string' && allowed.includes(value))) return value;
  throw new TypeError(`pkcs11: ${name} must be one of ${allowed.join(', ')}`);
}
