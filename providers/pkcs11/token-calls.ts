import { allocateSecret } from '../../src/crypto/secrets.ts';
import { WaxsealError } from '../../src/errors/index.ts';
import type { CallOptions } from '../../src/keys/provider.ts';
import { type CallLimits, Edge } from '../../src/keys/remote/index.ts';
import { explainHsm, isRefused, mayMeanBadWrap, notAuthentic } from './error-table.ts';
import { type Hsm, HsmFailure } from './hsm.ts';
import type { KeyQuery, KeyRow, RequestName, Requests, TokenFacts, TokenQuery, VersionQuery } from './protocol.ts';
import { mayUnwrap } from './versions.ts';

/** The calls to the token of one key, each behind the edge. */
export class TokenCalls {
  readonly uri: string;
  readonly token: TokenFacts;
  readonly key: KeyQuery;
  readonly #hsm: Hsm;
  readonly #edge: Edge;

  private constructor(uri: string, hsm: Hsm, edge: Edge, token: TokenFacts, key: KeyQuery) {
    this.uri = uri;
    this.#hsm = hsm;
    this.#edge = edge;
    this.token = token;
    this.key = key;
  }

  /** Logs in to the token. */
  static async open(
    uri: string,
    hsm: Hsm,
    query: TokenQuery,
    key: KeyQuery,
    limits: CallLimits,
    { signal }: CallOptions,
  ): Promise<TokenCalls> {
    const edge = new Edge(uri, limits, (error) => explainHsm(error, uri));
    const token = await edge.call({ name: 'open', signal }, (each) => hsm.request('open', query, each));
    return new TokenCalls(uri, hsm, edge, token, key);
  }

  /** Another kind of key of the same token. */
  of(key: KeyQuery): TokenCalls {
    return new TokenCalls(this.uri, this.#hsm, this.#edge, this.token, key);
  }

  /** All versions of the key. */
  list(options: CallOptions, fresh = false): Promise<readonly KeyRow[]> {
    return this.send('list', { token: this.token.handle, key: this.key, fresh }, options);
  }

  /** The version with this CKA_ID. */
  version(id: string): VersionQuery {
    return { label: this.key.label, kind: this.key.kind, id };
  }

  /** One request; `secret` is copied for each attempt, and the copy handed over. */
  send<N extends RequestName>(
    name: N,
    args: Requests[N]['args'],
    options: CallOptions & { readonly once?: boolean },
    secret?: { readonly as: 'data' | 'secret'; readonly bytes: Uint8Array },
  ): Promise<Requests[N]['gives']> {
    return this.#edge.call({ name, ...options }, (signal) => {
      if (secret === undefined) return this.#hsm.request(name, args, signal);
      const copy = allocateSecret(secret.bytes.length);
      copy.set(secret.bytes);
      return this.#hsm.request(name, { ...args, [secret.as]: copy }, signal, [copy.buffer]);
    });
  }

  /**
   * A request that opens a wrap of the version `id`. Tokens do not say clearly why they do not: what it means is found
   * out by looking at the key.
   *
   * @param needs the flag of the key that it takes, for messages
   */
  async opening<T>(id: string, needs: string, options: CallOptions, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const cause = error instanceof WaxsealError ? error.cause : undefined;
      if (!(cause instanceof HsmFailure)) throw error;
      const refused = isRefused(cause);
      if (!refused && !mayMeanBadWrap(cause)) throw error;
      // A token that does not even list its keys is out of order: that says nothing about the wrap.
      const row = (await this.list(options, true)).find((candidate) => candidate.id === id);
      if (row === undefined) throw error;
      if (!mayUnwrap(row)) throw this.#disabled(id);
      throw refused ? this.#denied(needs, cause) : notAuthentic(this.uri);
    }
  }

  #disabled(id: string): WaxsealError {
    return new WaxsealError('ERR_KEY_DISABLED', `version ${id} of ${this.uri} may not unwrap`, { object: this.uri });
  }

  #denied(needs: string, cause: HsmFailure): WaxsealError {
    return new WaxsealError(
      'ERR_KEY_DENIED',
      `${this.uri}: the token does not permit this use of the key (${cause.message})`,
      {
        object: this.uri,
        next: `the key needs ${needs}, and no unwrap template that keeps the secret from being read; the blind rewrap does without`,
        cause,
      },
    );
  }

  /** Lets go of the token. */
  close(): void {
    const { handle } = this.token;
    void this.#hsm.request('release', { token: handle }, AbortSignal.timeout(10_000)).catch(() => undefined);
  }
}
