import { allocateSecret } from '../../src/crypto/secrets.ts';
import { WaxsealError } from '../../src/errors/index.ts';
import type { CallOptions } from '../../src/keys/provider.ts';
import { type CallLimits, Edge } from '../../src/keys/remote/index.ts';
import { explainHsm, type HsmCall, isRefused, mayMeanBadWrap, notAuthentic } from './error-table.ts';
import { Gate } from './gate.ts';
import { type Hsm, HsmFailure } from './hsm.ts';
import type { KeyQuery, KeyRow, RequestName, Requests, TokenFacts, TokenQuery, VersionQuery } from './protocol.ts';
import { mayUnwrap } from './versions.ts';

/** How a request is made. */
type How = CallOptions & Pick<HsmCall, 'once' | 'opens' | 'needs'>;

/** A secret that goes along with a request, and the argument that it is. */
interface Along {
  readonly as: 'data' | 'secret';
  readonly bytes: Uint8Array;
}

interface Line {
  readonly hsm: Hsm;
  readonly edge: Edge;
  readonly gate: Gate;
  closed: boolean;
}

/** The calls to the token of one key, each behind the edge, and no more at a time than there are sessions. */
export class TokenCalls {
  readonly uri: string;
  readonly token: TokenFacts;
  readonly key: KeyQuery;
  readonly #line: Line;

  private constructor(uri: string, line: Line, token: TokenFacts, key: KeyQuery) {
    this.uri = uri;
    this.#line = line;
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
    const edge = new Edge(uri, limits, (error, call) => explainHsm(error, uri, call));
    const token = await edge.call({ name: 'open', signal }, (each) => hsm.request('open', query, each));
    return new TokenCalls(uri, { hsm, edge, gate: new Gate(query.sessions), closed: false }, token, key);
  }

  /** Another kind of key of the same token. */
  of(key: KeyQuery): TokenCalls {
    return new TokenCalls(this.uri, this.#line, this.token, key);
  }

  /** All versions of the key. */
  list({ signal }: CallOptions, fresh = false): Promise<readonly KeyRow[]> {
    return this.send('list', { token: this.token.handle, key: this.key, fresh }, { signal });
  }

  /** The version with this CKA_ID. */
  version(id: string): VersionQuery {
    return { label: this.key.label, kind: this.key.kind, id };
  }

  /**
   * One request; `secret` is copied for each attempt, and the copy handed over.
   *
   * @throws TypeError after `close`
   */
  async send<N extends RequestName>(
    name: N,
    args: Requests[N]['args'],
    { signal, once, opens, needs }: How,
    secret?: Along,
  ): Promise<Requests[N]['gives']> {
    const { hsm, edge, gate, closed } = this.#line;
    if (closed) throw new TypeError(`${this.uri} was closed`);
    const call: HsmCall = { name, signal, once, opens, needs };
    return edge.call(call, (each) =>
      gate.pass(each, () => {
        if (secret === undefined) return hsm.request(name, args, each);
        const copy = allocateSecret(secret.bytes.length);
        copy.set(secret.bytes);
        return hsm.request(name, { ...args, [secret.as]: copy }, each, [copy.buffer]);
      }),
    );
  }

  /**
   * A request that opens a wrap of the version `id`. Tokens do not say clearly why they do not: what it means is found
   * out by looking at the key.
   *
   * @param needs the flag of the key that it takes, for messages
   */
  async opening<N extends RequestName>(
    id: string,
    needs: string,
    name: N,
    args: Requests[N]['args'],
    { signal }: CallOptions,
    secret?: Along,
  ): Promise<Requests[N]['gives']> {
    try {
      return await this.send(name, args, { signal, opens: true, needs }, secret);
    } catch (error) {
      const cause = error instanceof WaxsealError ? error.cause : undefined;
      const refused = isRefused(cause);
      if (!(cause instanceof HsmFailure) || (!refused && !mayMeanBadWrap(cause))) throw error;
      // A token that does not even list its keys is out of order: that says nothing about the wrap.
      const row = (await this.list({ signal }, true)).find((candidate) => candidate.id === id);
      if (row !== undefined && !mayUnwrap(row)) throw this.#disabled(id);
      throw refused ? this.#denied(needs, cause) : notAuthentic(this.uri);
    }
  }

  /** Lets go of the token; once. */
  close(): void {
    if (this.#line.closed) return;
    this.#line.closed = true;
    this.#line.hsm.release(this.token.handle);
  }

  #disabled(id: string): WaxsealError {
    return new WaxsealError('ERR_KEY_DISABLED', `version ${id} of ${this.uri} may neither decrypt nor unwrap`, {
      object: this.uri,
      next: 'give it back CKA_DECRYPT (aes-gcm, rsa-oaep) or CKA_UNWRAP (aes-kwp) if it was disabled by mistake',
    });
  }

  #denied(needs: string, cause: HsmFailure): WaxsealError {
    return new WaxsealError(
      'ERR_KEY_DENIED',
      `${this.uri}: the token does not permit this use of the key (${cause.message})`,
      {
        object: this.uri,
        next: `the key needs ${needs}, and no unwrap template (CKA_UNWRAP_TEMPLATE) that keeps the secret from being read; a blind rewrap does without`,
        cause,
      },
    );
  }
}
