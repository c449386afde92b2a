import type { Answer, VaultHttp } from './http.ts';
import { Refusal, refusesToken, type TransitCall } from './error-table.ts';
import type { TokenSource } from './token.ts';

/** The least time between two looks at the token's lifetime. */
const LOOK_MS = 5_000;
/** And where its end is near. */
const SOON_MS = 1_000;

/** Sends requests with the token, asks for another one when that is not taken, and has it renewed while it lasts. */
export class VaultClient {
  readonly #http: VaultHttp;
  readonly #tokens: TokenSource;
  #nextLook = 0;

  constructor(http: VaultHttp, tokens: TokenSource) {
    this.#http = http;
    this.#tokens = tokens;
  }

  /**
   * One request to a mount.
   *
   * @throws Refusal for every status but 200 and 204, unless `accept` takes the answer; WaxsealError
   * `ERR_PROVIDER_CREDENTIALS`
   */
  async send(
    mount: string,
    { method, path }: TransitCall,
    body: object | undefined,
    signal: AbortSignal,
    accept: (answer: Answer) => boolean = () => false,
  ): Promise<Readonly<Record<string, unknown>>> {
    const request = (token: string): Promise<Answer> =>
      this.#http.request(method, `${mount}/${path}`, token, body, signal);
    const token = await this.#tokens.current();
    let answer = await request(token);
    if (answer.status === 403 && (await this.#isRefused(token, answer, signal))) {
      const other = await this.#tokens.another(token);
      if (other === undefined) throw this.#tokens.expired();
      answer = await request(other);
      if (answer.status === 403 && (await this.#isRefused(other, answer, signal))) throw this.#tokens.expired();
    } else {
      this.#renewInTime(token);
    }
    if (answer.status === 200 || answer.status === 204 || accept(answer)) return answer.body ?? {};
    throw new Refusal(answer);
  }

  /**
   * Servers say "permission denied" to a token that they do not know, too. Then they are asked about it: every token may
   * look at itself, unless its policies were made without the default one.
   */
  async #isRefused(token: string, answer: Answer, signal: AbortSignal): Promise<boolean> {
    if (refusesToken(answer)) return true;
    const about = await this.#http.request('GET', 'auth/token/lookup-self', token, undefined, signal);
    return about.status === 403;
  }

  /** Looks at the token in the background of a call, now and then; renews it in the last third of its time. */
  #renewInTime(token: string): void {
    const now = performance.now();
    if (now < this.#nextLook) return;
    this.#nextLook = now + LOOK_MS;
    void this.#renew(token).catch(() => undefined);
  }

  async #renew(token: string): Promise<void> {
    const signal = AbortSignal.timeout(LOOK_MS);
    const { status, body } = await this.#http.request('GET', 'auth/token/lookup-self', token, undefined, signal);
    if (status !== 200) return;
    const { ttl, creation_ttl: whole, renewable } = (body?.['data'] ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof ttl !== 'number' || typeof whole !== 'number') return;
    if (whole === 0) {
      // Never ends.
      this.#nextLook = Infinity;
      return;
    }
    if (renewable === true && ttl < whole / 3) {
      await this.#http.request('POST', 'auth/token/renew-self', token, {}, signal);
      return;
    }
    this.#nextLook = performance.now() + Math.max(SOON_MS, ((ttl - whole / 3) * 1000) / 2);
  }

  /** Milliseconds that the server's clock is ahead, as its last answer said. */
  get clockSkewMs(): number | undefined {
    return this.#http.clockSkewMs;
  }

  close(): void {
    this.#http.close();
  }
}
