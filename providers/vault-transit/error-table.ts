import { type ErrorCode, isWaxsealError, WaxsealError } from '../../src/errors/index.ts';
import { networkTrouble, type Trouble } from '../../src/keys/remote/index.ts';
import type { Answer } from './http.ts';

/** A call of Transit, as policies name it. */
export interface TransitCall {
  /** Path below the mount, such as `decrypt/models`. */
  readonly path: string;
  readonly method: 'GET' | 'POST';
}

/** What is needed to tell what an answer means. */
export interface Subject {
  /** Of the key. */
  readonly uri: string;
  readonly mount: string;
}

/** A refusal of the server: thrown by an attempt, and told by {@link explainVault}. */
export class Refusal extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super('refused');
    this.answer = answer;
  }
}

/** The texts in an answer; Vault has no error codes. */
function messagesOf({ body }: Pick<Answer, 'body'>): string {
  const errors = body?.['errors'];
  return Array.isArray(errors) ? errors.filter((text) => typeof text === 'string').join('; ') : '';
}

/** Whether an answer says that the token itself is not taken, other than that it may not do this. */
export function refusesToken(answer: Answer): boolean {
  return answer.status === 403 && /invalid token|bad token|token not found/i.test(messagesOf(answer));
}

/** The error table of Transit. */
export function explainVault(thrown: unknown, subject: Subject, call: TransitCall): Trouble {
  const { uri } = subject;
  if (thrown instanceof Refusal) return explainRefusal(thrown.answer, subject, call);
  if (isWaxsealError(thrown)) return { error: thrown };
  const trouble = networkTrouble(thrown, uri);
  if (trouble !== undefined) return trouble;
  const error = new WaxsealError('ERR_PROVIDER_RESPONSE', `${uri}: the answer of Vault cannot be understood`, {
    object: uri,
    cause: withoutBytes(thrown),
  });
  return { error };
}

/** Node's HTTP parser hands out what it received, which may hold a data key: it is zeroed and taken away. */
function withoutBytes(thrown: unknown): unknown {
  const { rawPacket } = (thrown ?? {}) as { rawPacket?: unknown };
  if (!(rawPacket instanceof Uint8Array)) return thrown;
  rawPacket.fill(0);
  delete (thrown as { rawPacket?: unknown }).rawPacket;
  return thrown;
}

function explainRefusal(answer: Answer, subject: Subject, call: TransitCall): Trouble {
  const { status, retryAfterMs } = answer;
  const { uri } = subject;
  const says = messagesOf(answer);
  const make = (code: ErrorCode, message: string, next?: string): WaxsealError =>
    new WaxsealError(code, `${uri}: ${message}${says === '' ? '' : ` (${says.slice(0, 300)})`}`, { object: uri, next });
  if (status === 403) return { error: denied(subject, call) };
  if (status === 404) return { error: absent(subject, says) };
  if (status === 429) {
    return { error: make('ERR_PROVIDER_THROTTLED', 'Vault throttles requests'), untouched: true, retryAfterMs };
  }
  if (status === 503 || status === 472 || status === 473) {
    const next = 'see its state with vault status; unseal it, or use the address of the active node';
    return {
      error: make('ERR_PROVIDER_UNAVAILABLE', 'Vault is sealed or on standby', next),
      outage: true,
      retryAfterMs,
    };
  }
  if (status >= 500 || status === 412) {
    return { error: make('ERR_PROVIDER_UNAVAILABLE', 'Vault failed inside'), outage: true, retryAfterMs };
  }
  return { error: errorOfText(says, uri) };
}

/** What the text of a refused request, or of one item in a batch, means. */
export function errorOfText(text: string, uri: string): WaxsealError {
  const make = (code: ErrorCode, message: string, next?: string): WaxsealError =>
    new WaxsealError(code, `${uri}: ${message}`, { object: uri, next });
  if (/too old|disallowed by policy/i.test(text)) {
    const next = 'lower min_decryption_version of the key, if that was a mistake';
    return make('ERR_KEY_DISABLED', 'the version of the key is below its min_decryption_version', next);
  }
  if (/too new/i.test(text)) {
    return make('ERR_KEY_NOT_FOUND', 'the key does not have that version', 'restore the key from a newer backup');
  }
  if (/key not found|no such key/i.test(text)) return make('ERR_KEY_NOT_FOUND', 'the key does not exist');
  if (/invalid ciphertext|authentication failed|unable to decrypt|could not decode|failed to decrypt/i.test(text)) {
    return notAuthentic(uri);
  }
  const shown = text === '' ? '' : ` (${text.slice(0, 300)})`;
  return make('ERR_PROVIDER_RESPONSE', `Vault refuses the request as invalid${shown}`);
}

/** A wrong key, a changed wrap and a wrong binding look the same. */
export function notAuthentic(uri: string): WaxsealError {
  return new WaxsealError(
    'ERR_AUTHENTICATION',
    `${uri}: the wrap does not authenticate: wrong key, wrong object, or it was changed`,
    { object: uri },
  );
}

function denied({ uri, mount }: Subject, { path, method }: TransitCall): WaxsealError {
  const capability = method === 'GET' ? 'read' : 'update';
  return new WaxsealError(
    'ERR_KEY_DENIED',
    `${uri}: the policies of this token do not allow ${path.split('/')[0] ?? path}`,
    {
      object: uri,
      next: `add to a policy of the token: path "${mount}/${path}" { capabilities = ["${capability}"] }`,
    },
  );
}

function absent({ uri, mount }: Subject, says: string): WaxsealError {
  const noMount = /no handler for route|unsupported path/i.test(says);
  return new WaxsealError(
    'ERR_KEY_NOT_FOUND',
    noMount ? `${uri}: there is no secrets engine at ${mount}/` : `${uri}: the key does not exist`,
    {
      object: uri,
      next: noMount
        ? `check mount and namespace; vault secrets enable -path=${mount} transit makes one`
        : `check name and namespace; vault write -f ${mount}/keys/NAME derived=true makes one`,
    },
  );
}
