import { equalBytes } from '../../bytes/index.ts';
import { X25519_LENGTH, x25519PublicKey } from '../../crypto/hpke/index.ts';
import { allocateSecret, randomSecret, zero } from '../../crypto/secrets.ts';
import { WaxsealError } from '../../errors/index.ts';
import { assertLocalName } from '../uri.ts';
import { privateKeyFromPem } from '../x25519/pem.ts';
import type { LifecycleContext } from './lifecycle.ts';
import { listPairNames } from './pair-names.ts';
import { type LocalX25519Key, PairStore } from './pair-store.ts';
import type { RingSecrets } from './ring-secrets.ts';

/** The key pairs of a keyring. */
export class RingPairs {
  readonly #folder: string;
  readonly #secrets: RingSecrets;

  constructor(ringFolder: string, secrets: RingSecrets) {
    this.#folder = ringFolder;
    this.#secrets = secrets;
  }

  /** @throws WaxsealError `ERR_KEY_NOT_FOUND`, `ERR_INVALID_KEY_URI` for a name that none can have */
  key(name: string): Promise<LocalX25519Key> {
    return this.store(name).key();
  }

  /** Every pair, in the order of their names. */
  async keys(): Promise<LocalX25519Key[]> {
    return Promise.all((await this.stores()).map((store) => store.key()));
  }

  /** Makes a pair of random bytes. */
  async create(name: string, context: LifecycleContext): Promise<LocalX25519Key> {
    const store = this.store(name);
    const privateKey = randomSecret(X25519_LENGTH);
    try {
      await store.create(privateKey, context);
    } finally {
      zero(privateKey);
    }
    return store.key();
  }

  /**
   * Takes in a private key that was made elsewhere.
   *
   * @param key its 32 bytes, or PEM of its PKCS#8 form; read only
   */
  async import(name: string, key: Uint8Array, context: LifecycleContext): Promise<LocalX25519Key> {
    const store = this.store(name);
    const privateKey = key.length === X25519_LENGTH ? copied(key) : privateKeyFromPem(key);
    try {
      const publicKey = x25519PublicKey(privateKey);
      for (const other of await this.stores()) {
        const pair = await other.find();
        if (pair === undefined || !equalBytes(pair.publicKey, publicKey)) continue;
        throw new WaxsealError('ERR_KEY_EXISTS', `the keyring has this key pair already, as ${other.name}`, {
          object: other.name,
          next: `nothing to do: waxseal key show ${other.name}`,
        });
      }
      await store.create(privateKey, context);
    } finally {
      zero(privateKey);
    }
    return store.key();
  }

  store(name: string): PairStore {
    this.#secrets.assertOpen();
    assertLocalName(name);
    return new PairStore(this.#folder, name, this.#secrets);
  }

  async stores(): Promise<PairStore[]> {
    this.#secrets.assertOpen();
    return (await listPairNames(this.#folder)).map((name) => this.store(name));
  }
}

function copied(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = allocateSecret(bytes.length);
  copy.set(bytes);
  return copy;
}
