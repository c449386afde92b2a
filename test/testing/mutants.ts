import { WaxsealError } from '../../src/errors/index.ts';
import type {
  CallOptions,
  KeyDescription,
  ProviderRewrap,
  UnwrappedSecret,
  WrappedSecret,
} from '../../src/keys/provider.ts';
import { ReferenceKey } from './reference-key.ts';

/** A provider that breaks one promise, and what the suite has to say about it. */
export interface Mutant {
  readonly what: string;
  readonly make: () => ReferenceKey;
  readonly caught: RegExp;
}

const mutant = (what: string, caught: RegExp, make: () => ReferenceKey): Mutant => ({ what, make, caught });

const pooled = Buffer.alloc(4096);

export const MUTANTS: readonly Mutant[] = [
  mutant(
    'ignores the binding',
    /another binding|binding changed/,
    () =>
      new (class extends ReferenceKey {
        protected override associated(): Uint8Array {
          return new Uint8Array();
        }
      })(),
  ),
  mutant(
    'binds only half of the binding',
    /binding changed in byte 31/,
    () =>
      new (class extends ReferenceKey {
        protected override associated(binding: Uint8Array): Uint8Array {
          return binding.subarray(0, 16);
        }
      })(),
  ),
  mutant(
    'accepts a cut binding',
    /binding of 31 bytes must be refused/,
    () =>
      new (class extends ReferenceKey {
        protected override checkBinding(): void {
          return;
        }
      })(),
  ),
  mutant(
    'does not authenticate the wrap',
    /byte \d+ of \d+ changed must be refused/,
    () =>
      new (class extends ReferenceKey {
        override async unwrap(
          wrapped: WrappedSecret,
          binding: Uint8Array,
          options?: CallOptions,
        ): Promise<UnwrappedSecret> {
          return super.unwrap(wrapped, binding, options).catch((error: unknown) => {
            if (!(error instanceof WaxsealError) || error.code !== 'ERR_AUTHENTICATION') throw error;
            return { secret: new Uint8Array(new ArrayBuffer(32)), version: wrapped.version };
          });
        }
      })(),
  ),
  mutant(
    'lets errors of its SDK through',
    /must be refused with ERR_AUTHENTICATION, but it failed with Error/,
    () =>
      new (class extends ReferenceKey {
        protected override notAuthentic(): Error {
          return new Error('InvalidCiphertextException');
        }
      })(),
  ),
  mutant(
    'tells a changed wrap apart',
    /must be refused with ERR_AUTHENTICATION, but it was ERR_PROVIDER_RESPONSE/,
    () =>
      new (class extends ReferenceKey {
        protected override notAuthentic(): Error {
          return new WaxsealError('ERR_PROVIDER_RESPONSE', 'bad padding');
        }
      })(),
  ),
  mutant(
    'hands out views of a pool',
    /view into a larger buffer|larger than the secret/,
    () =>
      new (class extends ReferenceKey {
        override async unwrap(
          wrapped: WrappedSecret,
          binding: Uint8Array,
          options?: CallOptions,
        ): Promise<UnwrappedSecret> {
          const { secret, version } = await super.unwrap(wrapped, binding, options);
          pooled.set(secret, 64);
          return { secret: new Uint8Array(pooled.buffer, pooled.byteOffset + 64, secret.length), version };
        }
      })(),
  ),
  mutant(
    'caches the unwrapped secret',
    /zeroing an unwrapped secret|share one buffer/,
    () =>
      new (class extends ReferenceKey {
        readonly #cache = new Map<string, UnwrappedSecret>();
        override async unwrap(
          wrapped: WrappedSecret,
          binding: Uint8Array,
          options?: CallOptions,
        ): Promise<UnwrappedSecret> {
          await super.unwrap(wrapped, binding, options);
          const key = Buffer.from(wrapped.wrap).toString('hex');
          const cached = this.#cache.get(key) ?? (await super.unwrap(wrapped, binding, options));
          this.#cache.set(key, cached);
          return cached;
        }
      })(),
  ),
  mutant(
    'zeroes the secret of the caller',
    /changed \(or zeroed\) the secret/,
    () =>
      new (class extends ReferenceKey {
        override async wrap(secret: Uint8Array, binding: Uint8Array, options?: CallOptions): Promise<WrappedSecret> {
          const wrapped = await super.wrap(secret, binding, options);
          secret.fill(0);
          return wrapped;
        }
      })(),
  ),
  mutant(
    'writes into the wrap of the caller',
    /changed the wrap of the caller/,
    () =>
      new (class extends ReferenceKey {
        override async unwrap(
          wrapped: WrappedSecret,
          binding: Uint8Array,
          options?: CallOptions,
        ): Promise<UnwrappedSecret> {
          const unwrapped = await super.unwrap(wrapped, binding, options);
          wrapped.wrap.fill(0);
          return unwrapped;
        }
      })(),
  ),
  mutant(
    'repeats its nonce',
    /not randomised/,
    () =>
      new (class extends ReferenceKey {
        protected override nonce(): Uint8Array {
          return new Uint8Array(12);
        }
      })(),
  ),
  mutant(
    'takes only 32 bytes',
    /come back as they were: 32 bytes only/,
    () =>
      new (class extends ReferenceKey {
        override async wrap(secret: Uint8Array, binding: Uint8Array, options?: CallOptions): Promise<WrappedSecret> {
          if (secret.length !== 32) throw new RangeError('32 bytes only');
          return super.wrap(secret, binding, options);
        }
      })(),
  ),
  mutant(
    'believes the version of the header',
    /version that the header claimed/,
    () =>
      new (class extends ReferenceKey {
        override async unwrap(
          wrapped: WrappedSecret,
          binding: Uint8Array,
          options?: CallOptions,
        ): Promise<UnwrappedSecret> {
          const { uri, algorithm, wrap } = wrapped;
          const { secret } = await super.unwrap({ uri, algorithm, wrap, version: '1' }, binding, options);
          return { secret, version: wrapped.version };
        }
      })(),
  ),
  mutant(
    'answers a missing version with another code',
    /ERR_KEY_NOT_FOUND, but it was ERR_AUTHENTICATION/,
    () =>
      new (class extends ReferenceKey {
        override async unwrap(
          wrapped: WrappedSecret,
          binding: Uint8Array,
          options?: CallOptions,
        ): Promise<UnwrappedSecret> {
          return super.unwrap(wrapped, binding, options).catch((error: unknown) => {
            throw error instanceof WaxsealError && error.code === 'ERR_KEY_NOT_FOUND' ? this.notAuthentic() : error;
          });
        }
      })(),
  ),
  mutant(
    'opens wraps that name another key',
    /a wrap under .*-other must be refused/,
    () =>
      new (class extends ReferenceKey {
        protected override checkMine(): void {
          return;
        }
      })(),
  ),
  mutant(
    'does not look at the signal',
    /aborted signal must be refused/,
    () =>
      new (class extends ReferenceKey {
        protected override begin(): Promise<void> {
          return Promise.resolve();
        }
      })(),
  ),
  mutant(
    'replaces the reason of the signal',
    /reject with the reason/,
    () =>
      new (class extends ReferenceKey {
        protected override async begin({ signal }: CallOptions = {}): Promise<void> {
          await Promise.resolve();
          if (signal?.aborted === true) throw new WaxsealError('ERR_PROVIDER_UNAVAILABLE', 'aborted');
        }
      })(),
  ),
  mutant(
    'forgets old versions when it rotates',
    /old wraps open.*does not authenticate/,
    () =>
      new (class extends ReferenceKey {
        protected override keyOf(): Uint8Array {
          return super.keyOf(String(this.current));
        }
      })(),
  ),
  mutant(
    'does not rotate',
    /version from before the rotation|did not make a new version/,
    () =>
      new (class extends ReferenceKey {
        override rotate(options?: CallOptions): Promise<KeyDescription> {
          return this.describe(options);
        }
      })(),
  ),
  mutant(
    'opens under disabled versions',
    /disabled version must be refused/,
    () =>
      new (class extends ReferenceKey {
        override async disableVersion(_version: string, options?: CallOptions): Promise<void> {
          await this.begin(options);
        }
      })(),
  ),
  mutant(
    'describes yesterday',
    /describe says/,
    () =>
      new (class extends ReferenceKey {
        override async describe(options?: CallOptions): Promise<KeyDescription> {
          const described = await super.describe(options);
          return { ...described, currentVersion: '0' };
        }
      })(),
  ),
  mutant(
    'has a URI that is none',
    /key URI "reference" cannot be used/,
    () =>
      new (class extends ReferenceKey {
        override readonly uri = 'reference';
      })(),
  ),
  mutant(
    'makes wraps that are too long',
    /over 2048 bytes/,
    () =>
      new (class extends ReferenceKey {
        override async wrap(secret: Uint8Array, binding: Uint8Array, options?: CallOptions): Promise<WrappedSecret> {
          const { wrap, ...rest } = await super.wrap(secret, binding, options);
          return { ...rest, wrap: new Uint8Array(Buffer.concat([wrap, new Uint8Array(2048)])) };
        }
        override unwrap(wrapped: WrappedSecret, binding: Uint8Array, options?: CallOptions): Promise<UnwrappedSecret> {
          return super.unwrap({ ...wrapped, wrap: wrapped.wrap.slice(0, -2048) }, binding, options);
        }
      })(),
  ),
  mutant(
    'mixes up concurrent calls',
    /concurrent calls/,
    () =>
      new (class extends ReferenceKey {
        #shared = new Uint8Array(0);
        override async wrap(secret: Uint8Array, binding: Uint8Array, options?: CallOptions): Promise<WrappedSecret> {
          this.#shared = secret.slice();
          await this.begin(options);
          return super.wrap(this.#shared, binding, options);
        }
      })(),
  ),
  mutant(
    'gives the same data key twice',
    /two data keys are equal/,
    () =>
      new (class extends ReferenceKey {
        override async generateDataKey(
          binding: Uint8Array,
          options?: CallOptions,
        ): Promise<UnwrappedSecret & { wrapped: WrappedSecret }> {
          const secret = new Uint8Array(new ArrayBuffer(32));
          const wrapped = await this.wrap(secret, binding, options);
          return { secret, version: wrapped.version, wrapped };
        }
      })(),
  ),
  mutant(
    'gives a data key that its wrap does not hold',
    /opens to another secret/,
    () =>
      new (class extends ReferenceKey {
        override async generateDataKey(
          binding: Uint8Array,
          options?: CallOptions,
        ): Promise<UnwrappedSecret & { wrapped: WrappedSecret }> {
          const made = await super.generateDataKey(binding, options);
          made.secret[0] = (made.secret[0] ?? 0) ^ 1;
          return made;
        }
      })(),
  ),
  mutant(
    'rewraps to random bytes',
    /rewrap changed the secret/,
    () =>
      new (class extends ReferenceKey {
        override async rewrap(
          wrapped: WrappedSecret,
          binding: Uint8Array,
          options?: CallOptions,
        ): Promise<ProviderRewrap> {
          const { version: from } = await this.unwrap(wrapped, binding, options);
          return { wrapped: await this.wrap(new Uint8Array(32), binding, options), from };
        }
      })(),
  ),
  mutant(
    'rewraps to the same version',
    /rewrap used version/,
    () =>
      new (class extends ReferenceKey {
        override async rewrap(
          wrapped: WrappedSecret,
          binding: Uint8Array,
          options?: CallOptions,
        ): Promise<ProviderRewrap> {
          const { version: from } = await this.unwrap(wrapped, binding, options);
          return { wrapped, from };
        }
      })(),
  ),
  mutant(
    'believes the claimed version when it rewraps',
    /repeated the version that the header claimed/,
    () =>
      new (class extends ReferenceKey {
        override async unwrap(
          wrapped: WrappedSecret,
          binding: Uint8Array,
          options?: CallOptions,
        ): Promise<UnwrappedSecret> {
          // Finds the version by trying, as providers do whose wraps name it.
          for (const version of ['1', '2', '3', '4', '5']) {
            try {
              return await super.unwrap({ ...wrapped, version }, binding, options);
            } catch {
              // Another one.
            }
          }
          return super.unwrap(wrapped, binding, options);
        }
        override async rewrap(
          wrapped: WrappedSecret,
          binding: Uint8Array,
          options?: CallOptions,
        ): Promise<ProviderRewrap> {
          return { ...(await super.rewrap(wrapped, binding, options)), from: wrapped.version };
        }
      })(),
  ),
  mutant(
    'makes wraps that cannot be rewrapped again',
    /found|refused|rejected|ERR_/,
    () =>
      new (class extends ReferenceKey {
        #made = new WeakSet<Uint8Array>();
        override async rewrap(
          wrapped: WrappedSecret,
          binding: Uint8Array,
          options?: CallOptions,
        ): Promise<ProviderRewrap> {
          const done = await super.rewrap(wrapped, binding, options);
          if (this.#made.has(wrapped.wrap)) return { ...done, from: 'lost' };
          this.#made.add(done.wrapped.wrap);
          return done;
        }
      })(),
  ),
];
