import { homedir } from 'node:os';
import { rename } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isWaxsealError, WaxsealError } from '../errors/index.ts';
import {
  type LocalKeyring,
  type LocalX25519Key,
  openLocalKeyring,
  readKeyringInfo,
  type Unlock,
} from '../keys/local/index.ts';
import type { Observe } from '../keys/observer.ts';
import type { KeyProvider } from '../keys/provider.ts';
import { parseKeyUri } from '../keys/uri.ts';
import { x25519Recipient } from '../keys/x25519/index.ts';
import { type Config, readConfig } from './config.ts';
import { type Keys, type MasterKey, quorum, quorumUri } from '../envelope/index.ts';
import { failover } from '../keys/failover/index.ts';
import { isQuorumUri, parseQuorumUri } from '../keys/quorum-uri.ts';
import { localName, pairName } from './key-names.ts';
import type { Output } from './output.ts';
import { readShares } from './shares.ts';
import { discoverAwsKeys, isRemote, openRemoteKey, recordedUriOf, type RemoteKey } from './remote-keys.ts';
import { askPassphrase, passphraseFromFile } from './passphrase.ts';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly home?: string | undefined;
  readonly passphraseFile?: string | undefined;
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

/** What a command works with: where things are, what to say, and the keyring, unlocked when it is needed. */
export class Context {
  readonly home: string;
  readonly out: Output;
  readonly signal: AbortSignal;
  readonly #options: GlobalOptions;
  #config: Promise<Config> | undefined;
  #ring: Promise<LocalKeyring> | undefined;
  readonly #remote = new Map<string, Promise<RemoteKey>>();

  constructor(options: GlobalOptions, out: Output, signal: AbortSignal) {
    this.#options = options;
    this.out = out;
    this.signal = signal;
    this.home = resolve(homeFolder(options.home));
  }

  config(): Promise<Config> {
    this.#config ??= readConfig([process.cwd(), this.home]);
    return this.#config;
  }

  async keyringFolder(): Promise<string> {
    const { keyring, file } = await this.config();
    return keyring === undefined ? join(this.home, 'keyring') : resolve(dirname(file ?? ''), keyring);
  }

  keyFile(): string {
    return join(this.home, 'keyring.key');
  }

  /** Where a new key file stands until the keyring is unlocked by it. */
  nextKeyFile(): string {
    return `${this.keyFile()}.next`;
  }

  /** Warnings of the library, for the person. */
  readonly observe: Observe = (event) => {
    if (event.type === 'warning' && event.warning !== undefined) this.out.warn(event.warning);
  };

  /** The keyring, unlocked once. */
  ring(): Promise<LocalKeyring> {
    this.#ring ??= this.#unlock();
    return this.#ring;
  }

  async #unlock(): Promise<LocalKeyring> {
    const folder = await this.keyringFolder();
    const { unlock } = await readKeyringInfo(folder);
    if (unlock === 'key-file') return this.#unlockByFile(folder);
    return openLocalKeyring(folder, await this.unlockWith(unlock));
  }

  /** A change of the key file that was interrupted leaves the valid one under its second name: it gets its own. */
  async #unlockByFile(folder: string): Promise<LocalKeyring> {
    const [file, next] = [this.keyFile(), this.nextKeyFile()];
    try {
      return await openLocalKeyring(folder, { keyFile: file });
    } catch (error) {
      if (!isWaxsealError(error, 'ERR_WRONG_PASSPHRASE') && !isWaxsealError(error, 'ERR_FILE_NOT_FOUND')) throw error;
      const ring = await openLocalKeyring(folder, { keyFile: next }).catch(() => undefined);
      if (ring !== undefined) {
        await rename(next, file);
        return ring;
      }
      if (error.code === 'ERR_WRONG_PASSPHRASE') throw error;
      throw new WaxsealError('ERR_KEYRING_NOT_FOUND', `the key file ${file}, which unlocks the keyring, is missing`, {
        object: file,
        next: 'put it back, or restore the keyring from its backup: waxseal key restore FILE',
        cause: error,
      });
    }
  }

  /** How the keyring is unlocked: by the key file in the home, a passphrase file, or by asking. */
  async unlockWith(kind: 'passphrase' | 'key-file'): Promise<Unlock> {
    if (kind === 'key-file') return { keyFile: this.keyFile() };
    const file = this.passphraseFile();
    if (file !== undefined) return { passphrase: await passphraseFromFile(file) };
    return { passphrase: await askPassphrase(`Passphrase of the keyring in ${this.home}`, this.signal) };
  }

  passphraseFile(): string | undefined {
    const fromEnvironment = process.env['WAXSEAL_PASSPHRASE_FILE'];
    return this.#options.passphraseFile ?? (fromEnvironment === '' ? undefined : fromEnvironment);
  }

  /**
   * Every key at hand, for opening: the default key first, then local keys, then key pairs, then those of providers that
   * the configuration names. A damaged pair is told, and does not keep the others from opening. `named` keys (`-k`) are
   * tried alone.
   *
   * @param shares files with shares that custodians sent, which count as keys
   */
  async allKeys(named?: readonly string[], shares: readonly string[] = []): Promise<readonly KeyProvider[]> {
    const keys = await (named === undefined ? this.#allKeys() : this.#openers(named));
    return [...(await readShares(shares, keys)), ...keys];
  }

  async #allKeys(): Promise<KeyProvider[]> {
    const config = await this.config();
    const first = config.defaultKey ?? DEFAULT_KEY;
    const uris = [...(isRemote(first) ? [first] : []), ...(config.keys ?? [])];
    const discovered = await discoverAwsKeys(config);
    const isEnough = uris.length > 0 || discovered !== undefined;
    const keys = isEnough && !(await this.hasKeyring()) ? [] : await this.#ringKeys().catch(orNameKey);
    for (const uri of new Set(uris)) {
      const key = await this.remoteKey(uri).catch((error: unknown) => {
        if (!isWaxsealError(error) || uris.length + keys.length === 1) throw error;
        this.out.warn(`${error.message}; what is sealed to it alone cannot be opened now. ${error.next}`);
      });
      if (key !== undefined) keys.push(key);
    }
    if (discovered !== undefined) keys.push(discovered);
    const names = (key: KeyProvider): boolean => key.uri === first || (isRemote(first) && key.uri === uris[0]);
    keys.sort((a, b) => Number(names(b)) - Number(names(a)));
    if (keys.length === 0) {
      throw new WaxsealError('ERR_KEY_NOT_FOUND', 'the keyring has no keys', { next: 'waxseal key create local:NAME' });
    }
    return keys;
  }

  async #ringKeys(): Promise<KeyProvider[]> {
    const ring = await this.ring();
    const { names, pairs } = await readKeyringInfo(ring.folder);
    const keys: KeyProvider[] = names.map((name) => ring.key(name));
    for (const name of pairs) {
      const pair = await ring.x25519Key(name).catch((error: unknown) => {
        if (!isWaxsealError(error, 'ERR_KEYRING_DAMAGED')) throw error;
        this.out.warn(`${error.message}; what is sealed to it cannot be opened. ${error.next}`);
      });
      if (pair !== undefined) keys.push(pair);
    }
    return keys;
  }

  /** Exactly the keys that are named, for opening: of a key pair the private half, of a quorum its custodians. */
  async #openers(uris: readonly string[]): Promise<readonly KeyProvider[]> {
    const keys = new Map<string, KeyProvider>();
    const add = async (uri: string, isCustodian: boolean): Promise<void> => {
      const open = uri.startsWith('x25519:') ? this.pair(uri) : this.key(uri);
      // Of the custodians of a quorum, not all need to be here.
      const key = await open.catch((error: unknown) => {
        if (!isCustodian || !isWaxsealError(error)) throw error;
        if (!uri.startsWith('x25519:')) this.out.warn(`${error.message}; ${error.next}`);
      });
      if (key !== undefined) keys.set(uri, key);
    };
    for (const uri of uris) {
      if (!isQuorumUri(uri)) await add(uri, false);
      else for (const custodian of parseQuorumUri(uri).custodians) await add(custodian, true);
    }
    return [...keys.values()];
  }

  /**
   * Keys for opening, those first that work: what fails or is slow for one object comes last for the next ones. The order
   * stays that of the keys, unless the configuration says which region is near.
   */
  async inFailover(keys: readonly KeyProvider[]): Promise<Keys> {
    const { failover: settings = {} } = await this.config();
    const order = settings.region === undefined && settings.order === undefined ? { order: [] } : {};
    return keys.length === 1 ? keys : failover(keys, { ...order, ...settings });
  }

  /** Whether there is a keyring to unlock. */
  async hasKeyring(): Promise<boolean> {
    return readKeyringInfo(await this.keyringFolder()).then(
      () => true,
      (error: unknown) => {
        if (isWaxsealError(error, 'ERR_KEYRING_NOT_FOUND')) return false;
        throw error;
      },
    );
  }

  /** The URI under which objects record a key that a person names. The provider is asked only about an alias. */
  async recordedUri(uri: string): Promise<string> {
    if (isQuorumUri(uri)) {
      const { threshold, custodians } = parseQuorumUri(uri);
      const recorded: string[] = [];
      for (const custodian of custodians) recorded.push(await this.recordedUri(custodian));
      return quorumUri(threshold, recorded);
    }
    return (await recordedUriOf(uri)) ?? (await this.remoteKey(uri)).uri;
  }

  /** A key of a provider, opened once. */
  async remoteKey(uri: string): Promise<RemoteKey> {
    let key = this.#remote.get(uri);
    if (key === undefined) {
      key = openRemoteKey(uri, await this.config(), this.signal);
      this.#remote.set(uri, key);
    }
    return key;
  }

  /** The keys and quorums that are named, or the default key. */
  async namedKeys(uris: readonly string[] | undefined): Promise<readonly MasterKey[]> {
    const names = uris ?? [(await this.config()).defaultKey ?? DEFAULT_KEY];
    const keys: MasterKey[] = [];
    for (const uri of new Set(names)) keys.push(await this.target(uri));
    return keys;
  }

  /** The recipients of a preset of the configuration. @throws WaxsealError `ERR_CONFIG` */
  async preset(name: string): Promise<readonly string[]> {
    const { presets = {}, file } = await this.config();
    if (Object.hasOwn(presets, name)) return presets[name] ?? [];
    const known = Object.keys(presets).join(', ');
    throw new WaxsealError('ERR_CONFIG', `there is no preset "${name}"${known === '' ? '' : ` (there is ${known})`}`, {
      object: file,
      next: 'name its recipients under presets in waxseal.config',
    });
  }

  /** Something to seal to: a key, or a quorum of keys. */
  async target(uri: string): Promise<MasterKey> {
    if (!isQuorumUri(uri)) return this.key(uri);
    const { threshold, custodians } = parseQuorumUri(uri);
    const keys: KeyProvider[] = [];
    for (const custodian of custodians) keys.push(await this.key(custodian));
    return quorum(threshold, keys);
  }

  /**
   * One key to wrap to, by its URI: a local key, which must exist, a public key or one of a provider, for which no keyring
   * is needed.
   */
  async key(uri: string): Promise<KeyProvider> {
    if (uri.startsWith('x25519:')) return x25519Recipient(uri);
    if (isRemote(uri)) return this.remoteKey(uri);
    const name = localName(uri);
    const ring = await this.ring();
    await ring.describe(name);
    return ring.key(name);
  }

  /**
   * A key pair of the keyring, by its name or its URI.
   *
   * @throws WaxsealError `ERR_KEY_NOT_FOUND`
   */
  async pair(nameOrUri: string): Promise<LocalX25519Key> {
    const ring = await this.ring();
    if (!nameOrUri.startsWith('x25519:')) return ring.x25519Key(pairName(nameOrUri));
    const { uri } = parseKeyUri(nameOrUri);
    const found = (await ring.x25519Keys()).find((pair) => pair.uri === uri);
    if (found !== undefined) return found;
    throw new WaxsealError('ERR_KEY_NOT_FOUND', `the keyring does not hold the private key of ${uri}`, {
      object: uri,
      next: 'seal to it with -k; open with it where its private key is',
    });
  }

  close(): void {
    for (const key of this.#remote.values()) {
      void key.then(
        (opened) => opened.close(),
        () => undefined,
      );
    }
    void this.#ring?.then(
      (ring) => ring.close(),
      () => undefined,
    );
  }
}

const DEFAULT_KEY = 'local:default';

/** Without a keyring, whoever has keys of a provider is told how those are named. */
function orNameKey(error: unknown): never {
  if (!isWaxsealError(error, 'ERR_KEYRING_NOT_FOUND')) throw error;
  const next = `${error.next}; a key of a provider is named with -k, or under keys in waxseal.config`;
  throw new WaxsealError(error.code, error.message, { object: error.object, next, cause: error });
}

function homeFolder(option: string | undefined): string {
  const { WAXSEAL_HOME, XDG_CONFIG_HOME } = process.env;
  if (option !== undefined) return option;
  if (WAXSEAL_HOME !== undefined && WAXSEAL_HOME !== '') return WAXSEAL_HOME;
  const base = XDG_CONFIG_HOME === undefined || XDG_CONFIG_HOME === '' ? join(homedir(), '.config') : XDG_CONFIG_HOME;
  return join(base, 'waxseal');
}
