import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { sha256 } from '../../src/crypto/hash.ts';
import { WaxsealError } from '../../src/errors/index.ts';
import type {
  CallOptions,
  KeyDescription,
  KeyProvider,
  ProviderRewrap,
  RecomputedWrap,
  UnwrappedSecret,
  WrappedSecret,
} from '../../src/keys/provider.ts';

/** A key in memory that keeps every promise and declares everything. Mutants break one promise each. */
export class ReferenceKey implements Required<Omit<KeyProvider, 'trouble'>> {
  readonly uri: string = 'local:reference';
  readonly algorithms: readonly number[] = [1];
  readonly bindsContext: boolean = true;
  readonly symmetric: boolean = true;
  readonly canUnwrap: boolean = true;

  async probe(options?: CallOptions) {
    await this.begin(options);
    return { mayRotate: true, clockSkewMs: undefined };
  }

  policy(): string {
    return '';
  }

  accepts(): boolean {
    return false;
  }
  protected readonly root = randomFillSync(new Uint8Array(32));
  protected readonly disabled = new Set<string>();
  protected current = 1;
  protected lastRotated: Date | undefined;

  async wrap(secret: Uint8Array, binding: Uint8Array, options?: CallOptions): Promise<WrappedSecret> {
    await this.begin(options);
    if (secret.length < 16 || secret.length > 64) throw new RangeError('a secret has 16 to 64 bytes');
    this.checkBinding(binding);
    const version = String(this.current);
    if (this.disabled.has(version)) throw new WaxsealError('ERR_KEY_DISABLED', `version ${version} is disabled`);
    const nonce = this.nonce();
    const cipher = createCipheriv('aes-256-gcm', this.keyOf(version), nonce, { authTagLength: 16 });
    cipher.setAAD(this.associated(binding));
    const parts = [nonce, cipher.update(secret), cipher.final()];
    return {
      uri: this.uri,
      version,
      algorithm: 1,
      wrap: new Uint8Array(Buffer.concat([...parts, cipher.getAuthTag()])),
    };
  }

  async unwrap(wrapped: WrappedSecret, binding: Uint8Array, options?: CallOptions): Promise<UnwrappedSecret> {
    await this.begin(options);
    this.checkBinding(binding);
    this.checkMine(wrapped);
    const { version, wrap } = wrapped;
    if (!/^[1-9][0-9]*$/.test(version) || Number(version) > this.current) {
      throw new WaxsealError('ERR_KEY_NOT_FOUND', `there is no version ${version}`);
    }
    if (this.disabled.has(version)) throw new WaxsealError('ERR_KEY_DISABLED', `version ${version} is disabled`);
    if (wrap.length < 12 + 16 + 16) throw this.notAuthentic();
    const decipher = createDecipheriv('aes-256-gcm', this.keyOf(version), wrap.subarray(0, 12), { authTagLength: 16 });
    decipher.setAAD(this.associated(binding)).setAuthTag(wrap.subarray(-16));
    const opened = decipher.update(wrap.subarray(12, -16));
    try {
      decipher.final();
    } catch {
      throw this.notAuthentic();
    }
    const secret = new Uint8Array(new ArrayBuffer(opened.length));
    secret.set(opened);
    return { secret, version };
  }

  async generateDataKey(
    binding: Uint8Array,
    options?: CallOptions,
  ): Promise<UnwrappedSecret & { wrapped: WrappedSecret }> {
    const secret = randomFillSync(new Uint8Array(new ArrayBuffer(32)));
    const wrapped = await this.wrap(secret, binding, options);
    return { secret, version: wrapped.version, wrapped };
  }

  async wrapRecomputed(secret: Uint8Array, binding: Uint8Array, options?: CallOptions): Promise<RecomputedWrap> {
    const wrapped = await this.wrap(secret, binding, options);
    return { wrapped, recomputed: await this.unwrap(wrapped, binding, options) };
  }

  async rewrap(wrapped: WrappedSecret, binding: Uint8Array, options?: CallOptions): Promise<ProviderRewrap> {
    const { secret, version } = await this.unwrap(wrapped, binding, options);
    return { wrapped: await this.wrap(secret, binding, options), from: version };
  }

  async describe(options?: CallOptions): Promise<KeyDescription> {
    await this.begin(options);
    const versions = [...Array(this.current).keys()].map((at) => {
      const version = String(at + 1);
      const state = this.disabled.has(version) ? 'suspended' : at + 1 === this.current ? 'active' : 'deactivated';
      return { version, label: version, state } as const;
    });
    const currentVersion = this.disabled.has(String(this.current)) ? undefined : String(this.current);
    return { uri: this.uri, currentVersion, versions, protectionLevel: 'software', lastRotated: this.lastRotated };
  }

  async rotate(options?: CallOptions): Promise<KeyDescription> {
    await this.begin(options);
    this.current += 1;
    this.lastRotated = new Date();
    return this.describe();
  }

  async disableVersion(version: string, options?: CallOptions): Promise<void> {
    await this.begin(options);
    this.disabled.add(version);
  }

  protected async begin({ signal }: CallOptions = {}): Promise<void> {
    await Promise.resolve();
    signal?.throwIfAborted();
  }

  protected checkBinding(binding: Uint8Array): void {
    if (binding.length !== 32) throw new RangeError('a binding has 32 bytes');
  }

  protected checkMine({ uri, algorithm }: WrappedSecret): void {
    if (uri !== this.uri || algorithm !== 1) throw new WaxsealError('ERR_NO_MATCHING_KEY', `${uri} is another key`);
  }

  protected notAuthentic(): Error {
    return new WaxsealError('ERR_AUTHENTICATION', 'the wrap does not authenticate');
  }

  protected nonce(): Uint8Array {
    return randomFillSync(new Uint8Array(12));
  }

  protected associated(binding: Uint8Array): Uint8Array {
    return binding;
  }

  protected keyOf(version: string): Uint8Array {
    return sha256(this.root, new TextEncoder().encode(version));
  }
}
