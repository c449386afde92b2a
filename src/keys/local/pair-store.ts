import { dirname, join } from 'node:path';
import { equalBytes, toBase64Url } from '../../bytes/index.ts';
import { x25519PublicKey } from '../../crypto/hpke/index.ts';
import { equalSecrets } from '../../crypto/secrets.ts';
import { isWaxsealError, systemCode, WaxsealError } from '../../errors/index.ts';
import { syncFolder } from '../../files/index.ts';
import { observed } from '../observer.ts';
import { X25519_VERSION } from '../x25519/hpke-wrap.ts';
import { X25519Key, type PrivateKeySource } from '../x25519/key-pair.ts';
import { x25519Uri } from '../x25519/public-key.ts';
import { damaged } from './damage.ts';
import type { LifecycleContext } from './lifecycle.ts';
import { PAIRS_FOLDER } from './pair-names.ts';
import {
  makePair,
  MAX_PAIR_BYTES,
  pairFileName,
  type PairRecord,
  readPairFile,
  withPrivateKey,
} from './pair-records.ts';
import { checkPrivateFolder, makePrivateFolder, readPrivateFile, writePrivateFile } from './private-files.ts';
import { serializeRecord } from './record.ts';
import type { RingSecrets } from './ring-secrets.ts';

/** One key pair of a keyring as it lies on disk. Nothing is kept of it: every use reads its file, which never changes. */
export class PairStore {
  readonly name: string;
  readonly path: string;
  readonly #secrets: RingSecrets;

  constructor(ringFolder: string, name: string, secrets: RingSecrets) {
    this.name = name;
    this.path = join(ringFolder, PAIRS_FOLDER, pairFileName(name));
    this.#secrets = secrets;
  }

  /** The authenticated record; undefined when there is no such pair. @throws WaxsealError `ERR_KEYRING_DAMAGED` */
  async find(): Promise<PairRecord | undefined> {
    this.#secrets.assertOpen();
    if (!(await checkPrivateFolder(dirname(this.path)))) return undefined;
    const bytes = await readPrivateFile(this.path, { maxBytes: MAX_PAIR_BYTES });
    return bytes === undefined ? undefined : readPairFile(bytes, this.#secrets, this.path, this.name);
  }

  /** As {@link find}. @throws WaxsealError `ERR_KEY_NOT_FOUND` */
  async get(): Promise<PairRecord> {
    const pair = await this.find();
    if (pair !== undefined) return pair;
    throw new WaxsealError('ERR_KEY_NOT_FOUND', `the keyring has no key pair ${this.name}`, {
      object: this.name,
      next: `see what exists with key list, or make it: waxseal key create ${this.name} --x25519`,
    });
  }

  /** The pair as a key. Its record is authenticated, and its private key proven, now and at every use. */
  async key(): Promise<LocalX25519Key> {
    const pair = await this.get();
    this.#prove(pair);
    return new LocalX25519Key(this.name, pair.publicKey, new StoredPrivateKey(this, pair.publicKey, this.#secrets));
  }

  /** Makes the name of the pair durable: another process may have linked its file and not have synced the folder yet. */
  async makeDurable(): Promise<void> {
    for (const folder of [dirname(this.path), dirname(dirname(this.path))]) {
      await syncFolder(folder).catch((error: unknown) => {
        // Nothing can be lost on a file system that nobody writes.
        if (systemCode(error) !== 'EROFS') throw error;
      });
    }
  }

  /**
   * Writes the pair of a private key, and reads it back through its final name before anything is wrapped to it.
   *
   * @param privateKey 32 bytes; read only
   * @throws WaxsealError `ERR_KEY_EXISTS`, `ERR_VETOED`
   */
  async create(privateKey: Uint8Array, { secrets, observe, signal }: LifecycleContext): Promise<void> {
    const exists = (cause?: unknown): WaxsealError =>
      new WaxsealError('ERR_KEY_EXISTS', `the keyring has a key pair ${this.name} already`, {
        object: this.name,
        next: `use it (waxseal key show ${this.name}), or choose another name`,
        cause,
      });
    if ((await this.find()) !== undefined) throw exists();
    await observed(
      observe,
      'key.create',
      { keyUri: x25519Uri(x25519PublicKey(privateKey)) },
      async () => {
        signal?.throwIfAborted();
        await makePrivateFolder(dirname(this.path));
        await syncFolder(dirname(dirname(this.path)));
        const record = makePair(this.name, privateKey, new Date(), secrets);
        try {
          await writePrivateFile(this.path, serializeRecord(record), { overwrite: false });
        } catch (error) {
          throw isWaxsealError(error, 'ERR_OUTPUT_EXISTS') ? exists(error) : error;
        }
        this.#prove(await this.get(), privateKey);
      },
      () => ({ keyVersion: X25519_VERSION }),
    );
  }

  #prove(pair: PairRecord, expected?: Uint8Array): void {
    const good = withPrivateKey(pair, this.#secrets, this.path, (read) => {
      return expected === undefined || equalSecrets(read, expected);
    });
    if (!good) throw damaged(this.path, 'it holds another key');
  }
}

/** A key pair of a local keyring. */
export class LocalX25519Key extends X25519Key {
  /** Its name in the keyring; objects know only its URI. */
  readonly name: string;

  /** @internal */
  constructor(name: string, publicKey: Uint8Array, source: PrivateKeySource) {
    super(publicKey, source);
    this.name = name;
  }
}

class StoredPrivateKey implements PrivateKeySource {
  readonly #store: PairStore;
  readonly #publicKey: Uint8Array;
  readonly #secrets: RingSecrets;
  #durable = false;

  constructor(store: PairStore, publicKey: Uint8Array, secrets: RingSecrets) {
    this.#store = store;
    this.#publicKey = publicKey;
    this.#secrets = secrets;
  }

  async created(): Promise<Date> {
    return (await this.#read()).created;
  }

  async ready(): Promise<void> {
    await this.#read();
    if (this.#durable) return;
    await this.#store.makeDurable();
    this.#durable = true;
  }

  async use<T>(work: (privateKey: Uint8Array) => T): Promise<T> {
    return withPrivateKey(await this.#read(), this.#secrets, this.#store.path, work);
  }

  /** The file never changes: another pair under its name, or none, is damage. */
  async #read(): Promise<PairRecord> {
    const pair = await this.#store.find();
    if (pair === undefined) throw damaged(this.#store.path, 'it was there before and is gone');
    if (!equalBytes(pair.publicKey, this.#publicKey)) {
      throw damaged(this.#store.path, `it no longer holds the pair ${toBase64Url(this.#publicKey)}`);
    }
    return pair;
  }
}
