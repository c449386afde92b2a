import { allocateSecret } from '../../src/crypto/secrets.ts';
import { WaxsealError } from '../../src/errors/index.ts';
import type { CallOptions, UnwrappedSecret } from '../../src/keys/provider.ts';
import { type CallLimits, Edge, isSecretLength } from '../../src/keys/remote/index.ts';
import { Batcher, type Outcome } from './batcher.ts';
import { type Ciphertext, parseCiphertext } from './ciphertext.ts';
import type { VaultClient } from './client.ts';
import { errorOfText, explainVault, type Subject, type TransitCall } from './error-table.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What a request of one of the batched calls carries for each item. */
export interface TransitItem {
  /** Standard base64, as all texts of Transit. */
  readonly context: string;
  readonly plaintext?: string;
  readonly ciphertext?: string;
}

/** The calls to Transit for one key, each behind the edge; encrypt, decrypt and rewrap in batches. */
export class TransitCalls {
  readonly subject: Subject;
  readonly #client: VaultClient;
  readonly #edge: Edge;
  readonly #key: string;
  readonly #batchers = new Map<string, Batcher<TransitItem, Fields>>();
  readonly #batch: number;

  constructor(client: VaultClient, subject: Subject, key: string, limits: CallLimits, batch: number) {
    this.#client = client;
    this.subject = subject;
    this.#key = key;
    this.#batch = batch;
    this.#edge = new Edge(subject.uri, limits, (error, { name }) => explainVault(error, subject, callOf(name)));
  }

  /** One request; gives the `data` of the answer. */
  async send(
    method: TransitCall['method'],
    path: string,
    body: object | undefined,
    options: CallOptions & { readonly once?: boolean },
  ): Promise<Fields> {
    const answer = await this.#edge.call({ name: `${method} ${path}`, ...options }, (signal) =>
      this.#client.send(this.subject.mount, { method, path }, body, signal),
    );
    return fieldsOf(answer['data']);
  }

  /** `encrypt`, `decrypt` or `rewrap`; together with others that are called at the same time. */
  item(call: 'encrypt' | 'decrypt' | 'rewrap', item: TransitItem, { signal }: CallOptions): Promise<Fields> {
    let batcher = this.#batchers.get(call);
    if (batcher === undefined) {
      batcher = new Batcher(this.#batch, (items, only) => this.#items(`${call}/${this.#key}`, items, only));
      this.#batchers.set(call, batcher);
    }
    return batcher.add(item, signal);
  }

  async #items(
    path: string,
    items: readonly TransitItem[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Outcome<Fields>[]> {
    const [only] = items;
    if (items.length === 1 && only !== undefined) return [{ value: await this.send('POST', path, only, { signal }) }];
    // Errors of single items stand inside the answer, whatever its status.
    const body = { batch_input: items, partial_failure_response_code: 200 };
    const answer = await this.#edge.call({ name: `POST ${path}`, signal }, (each) =>
      this.#client.send(this.subject.mount, { method: 'POST', path }, body, each, hasResults),
    );
    const results = fieldsOf(answer['data'])['batch_results'];
    if (!Array.isArray(results) || results.length !== items.length) {
      throw this.malformed(`it has not one result for each of ${String(items.length)} items`);
    }
    return results.map((result: unknown): Outcome<Fields> => {
      const fields = fieldsOf(result);
      const { error } = fields;
      if (typeof error === 'string' && error !== '') return { error: errorOfText(error, this.subject.uri) };
      return { value: fields };
    });
  }

  /** @throws WaxsealError `ERR_PROVIDER_RESPONSE` for what is no ciphertext, or contradicts itself */
  ciphertext({ ciphertext, key_version: version }: Fields): Ciphertext {
    const parsed = parseCiphertext(ciphertext);
    if (parsed === undefined) throw this.malformed('it has no ciphertext');
    if (version !== undefined && version !== Number(parsed.version)) {
      throw this.malformed(
        `it says version ${JSON.stringify(version)} beside a ciphertext of version ${parsed.version}`,
      );
    }
    return parsed;
  }

  /** The secret in an answer, in memory of its own. */
  secret({ plaintext }: Fields, version: string): UnwrappedSecret {
    const bytes = typeof plaintext === 'string' ? Buffer.from(plaintext, 'base64') : undefined;
    if (bytes === undefined || !isSecretLength(bytes.length) || bytes.toString('base64') !== plaintext) {
      throw this.malformed('it has no plaintext of 16 to 64 bytes');
    }
    const secret = allocateSecret(bytes.length);
    secret.set(bytes);
    bytes.fill(0);
    return { secret, version };
  }

  /** Whether the token may write to a path of the mount; undefined where it may not ask. */
  async mayUpdate(path: string, options: CallOptions): Promise<boolean | undefined> {
    const whole = `${this.subject.mount}/${path}`;
    const answer = await this.#edge.call({ name: 'POST capabilities-self', ...options }, (signal) =>
      this.#client.send('sys', { method: 'POST', path: 'capabilities-self' }, { paths: [whole] }, signal, isDenied),
    );
    const capabilities = fieldsOf(answer['data'])[whole];
    if (!Array.isArray(capabilities)) return undefined;
    return capabilities.some((one) => one === 'update' || one === 'root' || one === 'sudo');
  }

  clockSkewMs(): number | undefined {
    return this.#client.clockSkewMs;
  }

  malformed(why: string): WaxsealError {
    const { uri } = this.subject;
    return new WaxsealError(
      'ERR_PROVIDER_RESPONSE',
      `${uri} broke its contract: the answer of Vault is wrong: ${why}`,
      {
        object: uri,
      },
    );
  }

  close(): void {
    this.#client.close();
  }
}

const isDenied = ({ status }: { readonly status: number }): boolean => status === 403;

const hasResults = ({ body }: { readonly body: Fields | undefined }): boolean =>
  Array.isArray(fieldsOf(body?.['data'])['batch_results']);

function callOf(name: string): TransitCall {
  const [method, path = ''] = name.split(' ');
  return { method: method === 'GET' ? 'GET' : 'POST', path };
}

/** An object of an answer; an empty one for anything else. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
