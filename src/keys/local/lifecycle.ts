import { open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { equalSecrets, randomPublic, randomSecret, zero } from '../../crypto/secrets.ts';
import { fromSystemError, isWaxsealError, systemCode, WaxsealError } from '../../errors/index.ts';
import { syncFolder, writeFully } from '../../files/index.ts';
import { type Observe, observed } from '../observer.ts';
import type { CallOptions, KeyState } from '../provider.ts';
import { damaged } from './damage.ts';
import { seenByAll } from './folder-stamp.ts';
import { type Listing, newestOf } from './key-folder.ts';
import { type KeyRecord, KEY_ID_LENGTH, makeRecord, MAX_STATES, MAX_VERSION, versionString } from './key-records.ts';
import type { KeyStore, VersionFacts } from './key-store.ts';
import { settled } from './settled.ts';
import { makePrivateFolder, writePrivateFile } from './private-files.ts';
import { serializeRecord } from './record.ts';
import { KEK_LENGTH, type RingSecrets } from './ring-secrets.ts';
import { nextStates } from './states.ts';

/** What changes a key needs beside its store. */
export interface LifecycleContext extends CallOptions {
  readonly secrets: RingSecrets;
  readonly observe: Observe | undefined;
}

const uriOf = (store: KeyStore): string => `local:${store.name}`;

/** Makes version 1. @throws WaxsealError `ERR_KEY_EXISTS`, `ERR_VETOED` */
export async function createKey(store: KeyStore, context: LifecycleContext): Promise<void> {
  const exists = (cause?: unknown): WaxsealError =>
    new WaxsealError('ERR_KEY_EXISTS', `the keyring has a key ${uriOf(store)} already`, {
      object: uriOf(store),
      next: `use it, choose another name, or make a new version of it: waxseal rotate ${uriOf(store)}`,
      cause,
    });
  if ((await store.find()) !== undefined) throw exists();
  await observed(
    context.observe,
    'key.create',
    { keyUri: uriOf(store) },
    async () => {
      context.signal?.throwIfAborted();
      await makePrivateFolder(store.folder);
      await syncFolder(dirname(store.folder));
      try {
        return await writeVersion(store, 1, context);
      } catch (error) {
        throw isWaxsealError(error, 'ERR_OUTPUT_EXISTS') ? exists(error) : error;
      }
    },
    (version) => ({ keyVersion: version }),
  );
}

/**
 * Makes the next version. No lock: of two processes that make the same one, `link` lets one win, and the other takes
 * the number after it.
 *
 * @throws WaxsealError `ERR_KEY_NOT_FOUND`, `ERR_VETOED`
 */
export async function rotateKey(store: KeyStore, context: LifecycleContext): Promise<void> {
  // All of it is looked at first: a key with a damaged version is restored, not rotated.
  const before = (await settled(store, (listing) => store.allFacts(listing))).at(-1)?.version ?? '';
  await observed(
    context.observe,
    'key.rotate',
    { keyUri: uriOf(store), before: [before] },
    async () => {
      for (;;) {
        context.signal?.throwIfAborted();
        const n = newestOf(await store.list()) + 1;
        try {
          return await writeVersion(store, n, context);
        } catch (error) {
          if (!isWaxsealError(error, 'ERR_OUTPUT_EXISTS')) throw error;
        }
      }
    },
    (version) => ({ keyVersion: version, after: [version] }),
  );
}

async function writeVersion(store: KeyStore, n: number, { secrets }: LifecycleContext): Promise<string> {
  if (n > MAX_VERSION) throw new WaxsealError('ERR_LIMIT_EXCEEDED', `${uriOf(store)} has too many versions`);
  const kek = randomSecret(KEK_LENGTH);
  try {
    const keyId = randomPublic(KEY_ID_LENGTH);
    const sealedKek = secrets.sealKek(kek, keyId);
    const record: KeyRecord = { type: 'version', name: store.name, n, keyId, created: new Date(), sealedKek };
    await writePrivateFile(store.path(n), serializeRecord(makeRecord(record, secrets)), { overwrite: false });
    // Through its final name and a new descriptor, before anything is wrapped under it.
    await store.load(n);
    if (!store.withKek(n, (read) => equalSecrets(read, kek))) throw damaged(store.path(n), 'it holds another key');
    await seenByAll(store.folder);
    return versionString(record);
  } finally {
    zero(kek);
  }
}

/**
 * Brings a version to another state, by a new record beside it. `destroyed` also erases the KEK.
 *
 * @param version the full version or its number
 * @throws WaxsealError `ERR_KEY_NOT_FOUND`, `ERR_USAGE` for a transition that SP 800-57 does not have, `ERR_VETOED`
 */
export async function setKeyState(
  store: KeyStore,
  version: string,
  state: KeyState,
  context: LifecycleContext,
): Promise<void> {
  const current = (): Promise<VersionFacts> => settled(store, (listing) => resolveVersion(store, listing, version));
  await settled(store, (listing) => store.allFacts(listing));
  const facts = await current();
  if (facts.state !== state) {
    assertTransition(store, facts, state);
    await observed(
      context.observe,
      'key.state',
      { keyUri: uriOf(store), keyVersion: facts.version, state, before: [facts.state], after: [state] },
      async () => {
        context.signal?.throwIfAborted();
        // Another process may have been faster: then the transition is judged again from where the version is now.
        for (let now = facts; now.state !== state; now = await current()) {
          assertTransition(store, now, state);
          if (await writeState(store, now, state, context)) return;
        }
      },
    );
  }
  // Also when the record was there before: a crash may have come between the record and the erasure.
  if (state === 'destroyed') await erase(store, facts.n);
}

async function writeState(
  store: KeyStore,
  { n, keyId, created, recorded }: VersionFacts,
  state: KeyState,
  { secrets }: LifecycleContext,
): Promise<boolean> {
  const sequence = recorded.length + 1;
  if (sequence > MAX_STATES) throw new WaxsealError('ERR_LIMIT_EXCEEDED', `${uriOf(store)} has too many state records`);
  const record: KeyRecord = { type: 'state', name: store.name, n, keyId, created, sequence, state, at: new Date() };
  try {
    await writePrivateFile(store.path(n, sequence), serializeRecord(makeRecord(record, secrets)), { overwrite: false });
    await seenByAll(store.folder);
    return true;
  } catch (error) {
    if (isWaxsealError(error, 'ERR_OUTPUT_EXISTS')) return false;
    throw error;
  }
}

/**
 * Overwrites and removes the file of a version. What flash translation, journals, snapshots and backups keep of it is
 * out of reach; there only the master key protects it.
 */
async function erase(store: KeyStore, n: number): Promise<void> {
  store.forget(n);
  const path = store.path(n);
  try {
    const handle = await open(path, 'r+');
    try {
      await writeFully(handle, new Uint8Array((await handle.stat()).size), 0);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await unlink(path);
    await syncFolder(store.folder);
    await seenByAll(store.folder);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw fromSystemError(error, 'erase', path);
  }
}

async function resolveVersion(store: KeyStore, listing: Listing, version: string): Promise<VersionFacts> {
  const label = /^([1-9][0-9]{0,7})(?:\.[\w-]{22})?$/.exec(version)?.[1];
  const facts = label === undefined ? undefined : await store.facts(Number(label), listing);
  if (facts !== undefined && (version === label || version === facts.version)) return facts;
  throw new WaxsealError('ERR_KEY_NOT_FOUND', `${uriOf(store)} has no version ${version.slice(0, 64)}`, {
    object: uriOf(store),
    next: `see its versions: waxseal key show ${uriOf(store)}`,
  });
}

function assertTransition(store: KeyStore, { n, recorded, isNewest, state: from }: VersionFacts, to: KeyState): void {
  const legal = nextStates(recorded, isNewest);
  if (legal.includes(to)) return;
  const may = legal.length === 0 ? 'nothing else' : legal.join(', ');
  throw new WaxsealError(
    'ERR_USAGE',
    `version ${String(n)} of ${uriOf(store)} is ${from} and cannot become ${to}; it can become ${may}`,
    {
      object: uriOf(store),
      next: legal.length === 0 ? 'a destroyed version stays destroyed' : `choose one of: ${may}`,
    },
  );
}
