import { join } from 'node:path';
import { equalBytes } from '../../bytes/index.ts';
import { zero } from '../../crypto/secrets.ts';
import { systemCode, WaxsealError } from '../../errors/index.ts';
import { syncFolder } from '../../files/index.ts';
import type { KeyState } from '../provider.ts';
import { damaged } from './damage.ts';
import { StampedListing } from './folder-stamp.ts';
import { listKeyFolder, type Listing, newestOf } from './key-folder.ts';
import {
  type KeyRecord,
  MAX_RECORD_BYTES,
  readRecordFile,
  recordFileName,
  type StateRecord,
  type VersionRecord,
  versionString,
} from './key-records.ts';
import { checkPrivateFolder, readPrivateFile } from './private-files.ts';
import type { RingSecrets } from './ring-secrets.ts';
import { effectiveState } from './states.ts';

/** Facts about one version of a key. */
export interface VersionFacts {
  readonly n: number;
  readonly keyId: Uint8Array;
  readonly version: string;
  readonly created: Date;
  /** What was recorded, oldest first. */
  readonly recorded: readonly KeyState[];
  readonly state: KeyState;
  readonly isNewest: boolean;
}

/**
 * One key of a keyring as it lies on disk. Every question begins with a look at its folder, which is listed again unless
 * its stamp proves that nothing has changed; the files behind the names never change, so that each is read once.
 */
export class KeyStore {
  readonly folder: string;
  readonly name: string;
  readonly #secrets: RingSecrets;
  readonly #records = new Map<string, Promise<KeyRecord | undefined>>();
  readonly #keks = new Map<number, Uint8Array>();
  /** Versions whose names are known to survive a power cut. */
  readonly #durable = new Set<number>();
  readonly #stamped: StampedListing<Listing>;
  #seen: Listing = new Map();
  /** Facts of the versions in one listing, and in no other. */
  #facts: { readonly of: Listing; readonly byVersion: Map<number, VersionFacts> } | undefined;

  constructor(ringKeysFolder: string, name: string, secrets: RingSecrets) {
    this.folder = join(ringKeysFolder, name);
    this.name = name;
    this.#secrets = secrets;
    this.#stamped = new StampedListing(this.folder);
  }

  path(n: number, sequence?: number): string {
    return join(this.folder, recordFileName({ n, sequence }));
  }

  /**
   * What exists now; undefined when there is no such key.
   *
   * @throws WaxsealError `ERR_KEYRING_DAMAGED` when something is gone that was there before
   */
  async find(): Promise<Listing | undefined> {
    this.#secrets.assertOpen();
    const current = this.#stamped.current();
    if (current !== undefined) return current;
    const exists = await checkPrivateFolder(this.folder);
    const remember = await this.#stamped.begin();
    const listing = exists ? await listKeyFolder(this.folder) : undefined;
    this.#secrets.assertOpen();
    if (listing === undefined && this.#seen.size === 0) return undefined;
    const now = await this.#refuseRollback(listing ?? new Map());
    remember(now);
    return now;
  }

  /** As {@link find}. @throws WaxsealError `ERR_KEY_NOT_FOUND` */
  async list(): Promise<Listing> {
    const listing = await this.find();
    if (listing === undefined) {
      throw new WaxsealError('ERR_KEY_NOT_FOUND', `the keyring has no key local:${this.name}`, {
        object: `local:${this.name}`,
        next: `see what exists with key list, or make it: waxseal key create local:${this.name}`,
      });
    }
    return listing;
  }

  /**
   * Facts about a version, the newest by default, if nothing needs to be read for them and its key is in memory: one look
   * at the folder, at once.
   */
  known(version?: number): VersionFacts | undefined {
    this.#secrets.assertOpen();
    if (this.#facts === undefined || this.#stamped.current() !== this.#facts.of) return undefined;
    const facts = this.#facts.byVersion.get(version ?? newestOf(this.#facts.of));
    return facts !== undefined && this.#keks.has(facts.n) ? facts : undefined;
  }

  /** Facts about version `n`, authenticated; undefined when it does not exist. */
  async facts(n: number, listing: Listing): Promise<VersionFacts | undefined> {
    const known = this.#facts?.of === listing ? this.#facts.byVersion.get(n) : undefined;
    if (known !== undefined) return known;
    const facts = await this.#gatherFacts(n, listing);
    if (facts === undefined) return undefined;
    if (this.#facts?.of !== listing) this.#facts = { of: listing, byVersion: new Map() };
    this.#facts.byVersion.set(n, facts);
    return facts;
  }

  async #gatherFacts(n: number, listing: Listing): Promise<VersionFacts | undefined> {
    const listed = listing.get(n);
    if (listed === undefined) return undefined;
    const states: StateRecord[] = [];
    for (let sequence = 1; sequence <= listed.states; sequence++) {
      states.push(this.#expect(await this.#record(n, sequence), this.path(n, sequence)) as StateRecord);
    }
    const recorded = states.map(({ state }) => state);
    const isNewest = n === newestOf(listing);
    const state = effectiveState(recorded, isNewest);
    const last = states.at(-1);
    const destroyed = state === 'destroyed' && last !== undefined;
    if (destroyed) this.forget(n);
    // Also when it is held in memory: what is gone from the disk must not wrap anything any more.
    else if (!listed.hasFile) throw damaged(this.path(n), 'it is missing');
    const source = destroyed ? last : await this.#version(n);
    for (const { keyId, sequence } of states) {
      if (!equalBytes(keyId, source.keyId))
        throw damaged(this.path(n, sequence), 'it names another key id than its version');
    }
    const { keyId, created } = source;
    return { n, keyId, version: versionString({ n, keyId }), created, recorded, state, isNewest };
  }

  /** Facts about every version, ascending. @throws WaxsealError `ERR_KEYRING_DAMAGED` also when a version is missing */
  async allFacts(listing: Listing): Promise<VersionFacts[]> {
    const all: VersionFacts[] = [];
    for (let n = 1; n <= newestOf(listing); n++) {
      const facts = await this.facts(n, listing);
      if (facts === undefined) throw damaged(this.path(n), 'it is missing');
      all.push(facts);
    }
    return all;
  }

  /** Reads the KEK of a version from disk, unless it is held already. */
  async load(n: number): Promise<void> {
    if (!this.#keks.has(n)) await this.#version(n);
  }

  /**
   * Makes the names of a version durable. Another process may have linked its file and not have synced the folder yet:
   * a wrap under a version that a power cut takes away again would be lost with it.
   */
  async makeDurable(n: number): Promise<void> {
    if (this.isDurable(n)) return;
    for (const folder of [this.folder, join(this.folder, '..'), join(this.folder, '..', '..')]) {
      await syncFolder(folder).catch((error: unknown) => {
        // Nothing can be lost on a file system that nobody writes.
        if (systemCode(error) !== 'EROFS') throw error;
      });
    }
    this.#durable.add(n);
  }

  /** Whether {@link makeDurable} has nothing to do. */
  isDurable(n: number): boolean {
    return this.#durable.has(n);
  }

  /** Works with a KEK that was loaded, in one synchronous step. */
  withKek<T>(n: number, work: (kek: Uint8Array) => T): T {
    this.#secrets.assertOpen();
    const kek = this.#keks.get(n);
    if (kek === undefined) throw damaged(this.path(n), 'its key is gone');
    return work(kek);
  }

  /** Forgets the KEK of a version that was destroyed. */
  forget(n: number): void {
    zero(this.#keks.get(n));
    this.#keks.delete(n);
    this.#records.delete(recordFileName({ n }));
  }

  close(): void {
    this.#stamped.forget();
    for (const n of [...this.#keks.keys()]) this.forget(n);
  }

  async #version(n: number): Promise<VersionRecord> {
    return this.#expect(await this.#record(n), this.path(n)) as VersionRecord;
  }

  #expect(record: KeyRecord | undefined, path: string): KeyRecord {
    if (record === undefined) throw damaged(path, 'it is missing');
    return record;
  }

  /** Single-flight; a failure is not remembered, because a restore may mend the file. */
  #record(n: number, sequence?: number): Promise<KeyRecord | undefined> {
    const key = recordFileName({ n, sequence });
    const known = this.#records.get(key);
    if (known !== undefined) return known;
    const reading = this.#read(n, sequence);
    this.#records.set(key, reading);
    const forget = (): void => {
      if (this.#records.get(key) === reading) this.#records.delete(key);
    };
    reading.then((record) => {
      if (record === undefined) forget();
    }, forget);
    return reading;
  }

  async #read(n: number, sequence: number | undefined): Promise<KeyRecord | undefined> {
    const path = this.path(n, sequence);
    const bytes = await readPrivateFile(path, { maxBytes: MAX_RECORD_BYTES });
    if (bytes === undefined) return undefined;
    const record = readRecordFile(bytes, this.#secrets, path, { name: this.name, n, sequence });
    if (record.type === 'version') {
      const kek = this.#secrets.openKek(record.sealedKek, record.keyId);
      if (kek === undefined) throw damaged(path, 'its key does not open');
      zero(this.#keks.get(n));
      this.#keks.set(n, kek);
    }
    return record;
  }

  /** Within one process nothing may come back: neither a version that was replaced nor a state that was left. */
  async #refuseRollback(listing: Listing): Promise<Listing> {
    let now = listing;
    for (let attempt = 0; ; attempt++) {
      const gone = this.#missing(now);
      if (gone === undefined) break;
      // Listing a folder while others write to it is not exact on every file system: look again before alarming.
      if (attempt === 3) throw damaged(gone, 'it was there before and is gone: the keyring was rolled back');
      now = (await listKeyFolder(this.folder)) ?? new Map();
    }
    this.#seen = now;
    return now;
  }

  #missing(now: Listing): string | undefined {
    for (const [n, { states }] of this.#seen) {
      const found = now.get(n);
      if (found === undefined) return this.path(n);
      if (found.states < states) return this.path(n, states);
    }
    return undefined;
  }
}
