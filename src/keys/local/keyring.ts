import { join } from 'node:path';
import { toHex } from '../../bytes/index.ts';
import type { Observe } from '../observer.ts';
import { type CallOptions, KEY_STATES, type KeyDescription, type KeyProvider, type KeyState } from '../provider.ts';
import { assertLocalName } from '../uri.ts';
import type { BackupReport } from './backup.ts';
import { KEYS_FOLDER } from './keyring-file.ts';
import { listKeyNames } from './key-names.ts';
import { KeyStore } from './key-store.ts';
import { settled } from './settled.ts';
import type { LastBackup } from './last-backup.ts';
import type { LifecycleContext } from './lifecycle.ts';
import { LocalKey } from './local-key.ts';
import type { LocalX25519Key } from './pair-store.ts';
import type { RingPairs } from './ring-pairs.ts';
import type { RingSecrets } from './ring-secrets.ts';
import type { ScryptCost } from './scrypt.ts';
import type { Unlock } from './unlock.ts';

export interface KeyringSettings {
  readonly observe: Observe | undefined;
  readonly scrypt: ScryptCost | undefined;
}

/**
 * An unlocked keyring. Get one from `openLocalKeyring` or `createLocalKeyring`; close it when done.
 *
 * Any number of processes may use one keyring at the same time. After {@link close} everything throws `TypeError`.
 */
export class LocalKeyring {
  /** 32 hexadecimal digits that name this keyring and its backups. */
  readonly id: string;
  /** Its folder. */
  readonly folder: string;
  readonly #secrets: RingSecrets;
  readonly #settings: KeyringSettings;
  readonly #stores = new Map<string, KeyStore>();

  /** @internal */
  constructor(folder: string, secrets: RingSecrets, settings: KeyringSettings) {
    this.id = toHex(secrets.id);
    this.folder = folder;
    this.#secrets = secrets;
    this.#settings = settings;
  }

  /**
   * The key `local:NAME`. The disk is not looked at before the key is used: a key that does not exist is
   * `ERR_KEY_NOT_FOUND` then.
   *
   * @throws WaxsealError `ERR_INVALID_KEY_URI` for a name that no key can have
   */
  key(name: string): KeyProvider {
    return new LocalKey(this.#store(name), this);
  }

  /**
   * Every key of the keyring: local keys in the order of their names, then the X25519 pairs in theirs, so that a wrap
   * that proves that its maker held a secret is tried first.
   */
  async keys(): Promise<KeyProvider[]> {
    return [...(await this.#names()).map((name) => this.key(name)), ...(await this.x25519Keys())];
  }

  /**
   * An X25519 key pair by its name in the keyring.
   *
   * @throws WaxsealError `ERR_KEY_NOT_FOUND`, `ERR_KEYRING_DAMAGED`, `ERR_INVALID_KEY_URI` for a name that none can have
   */
  async x25519Key(name: string): Promise<LocalX25519Key> {
    return (await this.#pairs()).key(name);
  }

  /** Every X25519 key pair of the keyring, in the order of their names. */
  async x25519Keys(): Promise<LocalX25519Key[]> {
    return (await this.#pairs()).keys();
  }

  /**
   * Makes an X25519 key pair: whoever knows its URI can seal to it, and only this keyring opens. Its private key never
   * leaves the keyring, except in a backup.
   *
   * @throws WaxsealError `ERR_KEY_EXISTS`, `ERR_VETOED`
   */
  async createX25519(name: string, options: CallOptions = {}): Promise<LocalX25519Key> {
    return (await this.#pairs()).create(name, this.#context(options));
  }

  /**
   * Takes in the private key of an X25519 pair that was made elsewhere.
   *
   * @param key the 32 bytes of the private key, or the bytes of a PEM file (PKCS#8, not encrypted); read only
   * @throws WaxsealError `ERR_KEY_EXISTS`, also for a pair that is here under another name; `ERR_USAGE` for what is no
   * such key; `ERR_VETOED`
   */
  async importX25519(name: string, key: Uint8Array, options: CallOptions = {}): Promise<LocalX25519Key> {
    if (!(key instanceof Uint8Array)) throw new TypeError('importX25519: the private key must be bytes');
    return (await this.#pairs()).import(name, key, this.#context(options));
  }

  /**
   * Makes a key with its first version.
   *
   * @throws WaxsealError `ERR_KEY_EXISTS`, `ERR_VETOED`
   */
  async create(name: string, options: CallOptions = {}): Promise<KeyDescription> {
    const store = this.#store(name);
    const { createKey } = await import('./maintenance.ts');
    await createKey(store, this.#context(options));
    return this.describe(name);
  }

  /**
   * Makes a new version current. Older ones still open what they wrapped; nothing is rewrapped by this.
   *
   * @throws WaxsealError `ERR_KEY_NOT_FOUND`, `ERR_VETOED`
   */
  async rotate(name: string, options: CallOptions = {}): Promise<KeyDescription> {
    const store = this.#store(name);
    const { rotateKey } = await import('./maintenance.ts');
    await rotateKey(store, this.#context(options));
    return this.describe(name);
  }

  /** @throws WaxsealError `ERR_KEY_NOT_FOUND`, `ERR_KEYRING_DAMAGED` */
  async describe(name: string, { signal }: CallOptions = {}): Promise<KeyDescription> {
    signal?.throwIfAborted();
    const store = this.#store(name);
    const versions = await settled(store, (listing) => store.allFacts(listing));
    const newest = versions.at(-1);
    return {
      uri: `local:${name}`,
      currentVersion: newest?.state === 'active' ? newest.version : undefined,
      versions: versions.map(({ n, version, state, created }) => ({ version, label: String(n), state, created })),
      protectionLevel: 'software',
      lastRotated: versions.length > 1 ? newest?.created : undefined,
    };
  }

  /** Describes every key, in the order of {@link keys}. */
  async list(options: CallOptions = {}): Promise<KeyDescription[]> {
    const out: KeyDescription[] = [];
    for (const name of await this.#names()) out.push(await this.describe(name, options));
    for (const pair of await this.x25519Keys()) out.push(await pair.describe(options));
    return out;
  }

  /**
   * Brings a version to another state of SP 800-57. `destroyed` erases its key: what was sealed under it alone is gone.
   *
   * @param version the full version or its number
   * @throws WaxsealError `ERR_KEY_NOT_FOUND`, `ERR_USAGE` for a transition that the standard does not have, `ERR_VETOED`
   */
  async setState(name: string, version: string, state: KeyState, options: CallOptions = {}): Promise<KeyDescription> {
    if (!KEY_STATES.includes(state)) throw new TypeError(`unknown key state "${state}"`);
    const store = this.#store(name);
    const { setKeyState } = await import('./maintenance.ts');
    await setKeyState(store, version, state, this.#context(options));
    return this.describe(name);
  }

  /**
   * Changes the passphrase or key file that unlocks the keyring. The keys stay the same; copies and backups made before
   * keep the unlocking they had. A key file that does not exist is made; the old one is left where it is.
   */
  async changeUnlock(unlock: Unlock, { signal }: CallOptions = {}): Promise<void> {
    this.#secrets.assertOpen();
    const { changeKeyringUnlock } = await import('./maintenance.ts');
    await changeKeyringUnlock(this.folder, this.#secrets, unlock, this.#settings.scrypt, signal);
  }

  /**
   * Writes everything that is needed to restore the keyring into one file, under a passphrase of its own, and reads it
   * back before it gets its name.
   *
   * @throws WaxsealError `ERR_OUTPUT_EXISTS`, `ERR_USAGE` for a path inside the keyring, `ERR_KEYRING_DAMAGED`
   */
  async backup(path: string, passphrase: string | Uint8Array): Promise<BackupReport> {
    this.#secrets.assertOpen();
    const { writeBackup, writeLastBackup } = await import('./maintenance.ts');
    const keys = { stores: await this.#allStores(), pairs: await (await this.#pairs()).stores() };
    const report = await writeBackup(path, passphrase, keys, this.folder, this.#secrets, this.#settings.scrypt);
    await writeLastBackup(this.folder, this.#secrets, report);
    return report;
  }

  /** When the keyring was backed up last, and whether that backup holds every version that exists now. */
  async lastBackup(): Promise<LastBackup | undefined> {
    this.#secrets.assertOpen();
    const { readLastBackup } = await import('./maintenance.ts');
    const last = await readLastBackup(this.folder, this.#secrets);
    if (last === undefined) return undefined;
    const needed = (await this.list()).flatMap(({ uri, versions }) =>
      versions.filter(({ state }) => state !== 'destroyed').map(({ version }) => `${uri}/${version}`),
    );
    return { at: last.at, complete: needed.every((version) => last.versions.has(version)) };
  }

  /** Zeroes the master key and every key that was loaded. */
  close(): void {
    for (const store of this.#stores.values()) store.close();
    this.#stores.clear();
    this.#secrets.close();
  }

  /** Closes it at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  #store(name: string): KeyStore {
    this.#secrets.assertOpen();
    assertLocalName(name);
    let store = this.#stores.get(name);
    if (store === undefined) {
      store = new KeyStore(join(this.folder, KEYS_FOLDER), name, this.#secrets);
      this.#stores.set(name, store);
    }
    return store;
  }

  async #pairs(): Promise<RingPairs> {
    this.#secrets.assertOpen();
    const { RingPairs } = await import('./maintenance.ts');
    return new RingPairs(this.folder, this.#secrets);
  }

  async #names(): Promise<string[]> {
    this.#secrets.assertOpen();
    return listKeyNames(this.folder);
  }

  async #allStores(): Promise<KeyStore[]> {
    return (await this.#names()).map((name) => this.#store(name));
  }

  #context({ signal }: CallOptions): LifecycleContext {
    return { secrets: this.#secrets, observe: this.#settings.observe, signal };
  }
}
