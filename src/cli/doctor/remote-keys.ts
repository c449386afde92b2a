import { equalSecrets, randomPublic, randomSecret, zero } from '../../crypto/secrets.ts';
import { isWaxsealError, WaxsealError } from '../../errors/index.ts';
import type { KeyDescription, KeyProvider, WrappedSecret } from '../../keys/provider.ts';
import type { Context } from '../context.ts';
import { count, formatMs } from '../output.ts';
import { versionLabel } from '../version-label.ts';
import { failed as failedCheck, type Finding } from './finding.ts';

const SECRET_LENGTH = 32;
/** AWS refuses requests whose time is off by five minutes; tokens and certificates are less patient. */
const SKEW_MS = 60_000;

/** Examines keys one by one, from the configuration to each permission; nothing of them is changed. */
export async function checkRemoteKeys(context: Context, uris: readonly string[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const uri of uris) {
    context.signal.throwIfAborted();
    let key: KeyProvider;
    try {
      key = await context.key(uri);
    } catch (error) {
      context.signal.throwIfAborted();
      findings.push(failed(uri, error));
      continue;
    }
    findings.push(...(await new KeyExamination(context, key).run()));
  }
  return findings;
}

/** The finding for an error; its message need not name the key a second time. */
function failed(uri: string, error: unknown): Finding {
  const finding = failedCheck(uri, error);
  const recorded = uri.split('?')[0] ?? uri;
  return { ...finding, message: finding.message.replace(`${recorded}: `, '') };
}

class KeyExamination {
  readonly #context: Context;
  readonly #key: KeyProvider;
  readonly #findings: Finding[] = [];
  readonly #secret = randomSecret(SECRET_LENGTH);
  readonly #binding = randomPublic(SECRET_LENGTH);

  constructor(context: Context, key: KeyProvider) {
    this.#context = context;
    this.#key = key;
  }

  async run(): Promise<readonly Finding[]> {
    this.#say('ok', 'configuration and credentials are there');
    try {
      await this.#describe();
      const wrapped = await this.#wrap();
      if (wrapped !== undefined) {
        await this.#unwrap(wrapped);
        await this.#rewrap(wrapped);
      }
      await this.#generate();
      await this.#probe();
    } finally {
      zero(this.#secret);
    }
    return this.#findings;
  }

  async #describe(): Promise<void> {
    const described = await this.#try('describe', this.#key.describe?.bind(this.#key), (work, options) =>
      work(options),
    );
    if (described === undefined) return;
    const { value, ms } = described;
    const { currentVersion } = value;
    if (currentVersion === undefined) {
      const next = 'enable it, or rotate it: what it wrapped opens only where its state permits';
      this.#say('problem', `describe: no version may wrap; states: ${states(value)}`, next);
      return;
    }
    const facts = [
      `version ${versionLabel(this.#key.uri, currentVersion)} of ${String(value.versions.length)}, ${states(value)}`,
      value.region === undefined ? '' : `in ${value.region}`,
      `protection ${value.protectionLevel}`,
      value.lastRotated === undefined ? 'never rotated' : `rotated ${value.lastRotated.toISOString().slice(0, 10)}`,
    ].filter((fact) => fact !== '');
    this.#say('ok', `describe: ${facts.join(', ')} (${formatMs(ms)})`);
  }

  async #wrap(): Promise<WrappedSecret | undefined> {
    const key = this.#key;
    const done = await this.#try('wrap', key.wrap.bind(key), (work, options) =>
      work(this.#secret, this.#binding, options),
    );
    if (done !== undefined) this.#say('ok', `wrap is permitted (${formatMs(done.ms)})`);
    return done?.value;
  }

  async #unwrap(wrapped: WrappedSecret): Promise<void> {
    const key = this.#key;
    if (key.canUnwrap === false)
      return void this.#say('info', 'unwrap: only the public key is at hand, which opens nothing');
    const done = await this.#try('unwrap', key.unwrap.bind(key), (work, options) =>
      work(wrapped, this.#binding, options),
    );
    if (done === undefined) return;
    const same = equalSecrets(done.value.secret, this.#secret);
    zero(done.value.secret);
    if (same)
      return void this.#say('ok', `unwrap is permitted, and gives back what was wrapped (${formatMs(done.ms)})`);
    const error = new WaxsealError('ERR_UNVERIFIED_WRAP', `${key.uri} gave back another secret than it wrapped`);
    this.#findings.push(failed(key.uri, error));
  }

  async #rewrap(wrapped: WrappedSecret): Promise<void> {
    const rewrap = this.#key.rewrap?.bind(this.#key);
    if (rewrap === undefined)
      return void this.#say('info', 'rewrap: this key cannot rewrap by itself (rewrap --blind)');
    const done = await this.#try('rewrap', rewrap, (work, options) => work(wrapped, this.#binding, options), 'warning');
    if (done !== undefined) this.#say('ok', `rewrap is permitted: rewrap --blind works (${formatMs(done.ms)})`);
  }

  async #generate(): Promise<void> {
    const generateDataKey = this.#key.generateDataKey?.bind(this.#key);
    if (generateDataKey === undefined) return;
    const done = await this.#try('generateDataKey', generateDataKey, (work, options) => work(this.#binding, options));
    if (done === undefined) return;
    zero(done.value.secret);
    this.#say('ok', `generateDataKey is permitted (${formatMs(done.ms)})`);
  }

  async #probe(): Promise<void> {
    if (this.#key.rotate === undefined) this.#say('info', 'rotate: this key is not rotated from here');
    const probed = await this.#try('probe', this.#key.probe?.bind(this.#key), (work, options) => work(options));
    if (probed === undefined) return;
    const { mayRotate, clockSkewMs } = probed.value;
    if (this.#key.rotate !== undefined) {
      const next = 'see what that takes: waxseal key policy KEY --role rotator';
      if (mayRotate === true) this.#say('ok', 'rotate is permitted');
      else if (mayRotate === false) this.#say('info', 'rotate is not permitted to these credentials', next);
      else this.#say('info', 'rotate: whether it is permitted can only be told by rotating', next);
    }
    if (clockSkewMs === undefined) return;
    const ahead = formatMs(Math.abs(clockSkewMs));
    if (Math.abs(clockSkewMs) < SKEW_MS) this.#say('ok', `clock: agrees with the provider's to ${formatMs(SKEW_MS)}`);
    else
      this.#say(
        'problem',
        `clock: the provider's is ${ahead} ${clockSkewMs > 0 ? 'ahead' : 'behind'}`,
        'set the clock (NTP)',
      );
  }

  /** Tries a call. A denied one names its permission; `status` says how bad it is to be without. */
  async #try<W, T>(
    name: string,
    work: W | undefined,
    call: (work: W, options: { signal: AbortSignal }) => Promise<T>,
    status: 'problem' | 'warning' = 'problem',
  ): Promise<{ readonly value: T; readonly ms: number } | undefined> {
    if (work === undefined) return undefined;
    const { signal } = this.#context;
    const started = performance.now();
    try {
      return { value: await call(work, { signal }), ms: performance.now() - started };
    } catch (error) {
      signal.throwIfAborted();
      const finding = failed(this.#key.uri, error);
      const denied = isWaxsealError(error, 'ERR_KEY_DENIED');
      this.#findings.push({ ...finding, status: denied ? status : 'problem', message: `${name}: ${finding.message}` });
      return undefined;
    }
  }

  #say(status: Finding['status'], message: string, next?: string): void {
    this.#findings.push({ check: this.#key.uri, status, message, ...(next === undefined ? {} : { next }) });
  }
}

function states({ versions }: KeyDescription): string {
  const counts = new Map<string, number>();
  for (const { state } of versions) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, number]) => `${String(number)} ${state}`).join(', ') || count(0, 'version');
}
