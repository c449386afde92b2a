/** What the crash tests kill: every operation of ours that writes files, done to a world of its own. */
import { join } from 'node:path';
import {
  addRecipient,
  convertFile,
  openFile,
  removeRecipient,
  repair,
  reseal,
  rewrap,
  sealFile,
  shred,
} from '../../../src/envelope/index.ts';
import {
  createLocalKeyring,
  type LocalKeyring,
  openLocalKeyring,
  restoreLocalKeyring,
} from '../../../src/keys/local/index.ts';

/** The cheapest scrypt that is allowed. */
export const CHEAP = { scrypt: { N: 2 ** 14, p: 1 } };
export const BACKUP_PASSPHRASE = 'backup';

/** Where everything of a world lies. */
export function places(world: string) {
  const objects = join(world, 'objects');
  return {
    ring: join(world, 'ring'),
    unlock: { keyFile: join(world, 'unlock.key') },
    nextUnlock: { keyFile: join(world, 'next.key') },
    objects,
    plain: join(objects, 'plain'),
    /** Sealed under version 1 of `local:default`, which has a version 2, and under `local:recovery`. */
    sealed: join(objects, 'sealed.wax'),
    /** Sealed under version 2 of `local:default`. */
    newest: join(objects, 'newest.wax'),
    /** A copy of `sealed` whose first head and second slot are damaged. */
    damaged: join(objects, 'damaged.wax'),
    /** A copy of `sealed` whose first head and both slots are damaged. */
    ruined: join(objects, 'ruined.wax'),
    /** Compact, sealed as `sealed` is. */
    compact: join(objects, 'compact.wax'),
    /** Detached, sealed as `sealed` is. */
    header: join(objects, 'split.wax'),
    payload: join(objects, 'split.floe'),
    target: join(objects, 'target.wax'),
    opened: join(objects, 'opened'),
    /** An older file where an output goes that may replace it. */
    older: join(objects, 'older'),
    backups: join(world, 'backups'),
    backup: join(world, 'backups', 'first'),
    nextBackup: join(world, 'backups', 'second'),
    newRing: join(world, 'new-ring'),
    newKeyFile: { keyFile: join(world, 'new.key') },
  };
}

export type Places = ReturnType<typeof places>;

export function openRing({ ring, unlock }: Places): Promise<LocalKeyring> {
  return openLocalKeyring(ring, unlock, CHEAP);
}

type Work = (at: Places, ring: LocalKeyring) => Promise<unknown>;

const withRing =
  (work: Work) =>
  async (world: string): Promise<void> => {
    const at = places(world);
    const ring = await openRing(at);
    await work(at, ring);
    ring.close();
  };

export const OPERATIONS = {
  seal: withRing((at, ring) => sealFile(at.plain, at.target, ring.key('default'))),
  'seal over': withRing((at, ring) => sealFile(at.plain, at.older, ring.key('default'), { overwrite: true })),
  open: withRing((at, ring) => openFile(at.sealed, at.opened, ring.key('default'))),
  'open over': withRing((at, ring) => openFile(at.sealed, at.older, ring.key('default'), { overwrite: true })),
  rewrap: withRing((at, ring) => rewrap(at.sealed, ring.key('default'))),
  'add recipient': withRing((at, ring) => addRecipient(at.sealed, ring.key('default'), ring.key('third'))),
  'remove recipient': withRing((at, ring) => removeRecipient(at.sealed, ring.key('default'), 'local:recovery')),
  repair: withRing((at, ring) => repair(at.damaged, ring.key('default'))),
  'repair from a copy': withRing((at, ring) => repair(at.ruined, ring.key('default'), { from: at.sealed })),
  'seal detached': withRing((at, ring) => sealFile(at.plain, at.target, ring.key('default'), { layout: 'detached' })),
  'seal over detached': withRing((at, ring) =>
    sealFile(at.older, at.header, ring.key('default'), { layout: 'detached', overwrite: true }),
  ),
  'rewrap compact': withRing((at, ring) => rewrap(at.compact, ring.key('default'))),
  'rewrap detached': withRing((at, ring) => rewrap(at.header, ring.key('default'))),
  reseal: withRing((at, ring) => reseal(at.sealed, [ring.key('default'), ring.key('recovery')])),
  'reseal compact': withRing((at, ring) => reseal(at.compact, [ring.key('default'), ring.key('recovery')])),
  'reseal detached': withRing((at, ring) => reseal(at.header, [ring.key('default'), ring.key('recovery')])),
  'repair detached': withRing((at, ring) => repair(at.header, ring.key('default'))),
  shred: (world: string) => shred(places(world).sealed),
  'shred compact': (world: string) => shred(places(world).compact),
  'shred detached': (world: string) => shred(places(world).header),
  'shred and delete detached': (world: string) => shred(places(world).header, { delete: true }),
  detach: (world: string) => convertFile(places(world).sealed, 'detached'),
  attach: (world: string) => convertFile(places(world).header, 'attached'),
  'create keyring': async (world: string): Promise<void> => {
    const at = places(world);
    (await createLocalKeyring(at.newRing, at.newKeyFile, CHEAP)).close();
  },
  'create key': withRing((_at, ring) => ring.create('fresh')),
  rotate: withRing((_at, ring) => ring.rotate('default')),
  'change unlock': withRing((at, ring) => ring.changeUnlock(at.nextUnlock)),
  suspend: withRing((_at, ring) => ring.setState('default', '1', 'suspended')),
  destroy: withRing((_at, ring) => ring.setState('default', '1', 'destroyed')),
  backup: withRing((at, ring) => ring.backup(at.nextBackup, BACKUP_PASSPHRASE)),
  restore: async (world: string): Promise<void> => {
    const at = places(world);
    await restoreLocalKeyring(at.backup, at.newRing, BACKUP_PASSPHRASE, at.newKeyFile, CHEAP);
  },
  /** The world's check-up has to damage it first. */
  'restore a damaged keyring': async (world: string): Promise<void> => {
    const at = places(world);
    await restoreLocalKeyring(at.backup, at.ring, BACKUP_PASSPHRASE, at.unlock, CHEAP);
  },
} satisfies Record<string, (world: string) => Promise<unknown>>;

export type OperationName = keyof typeof OPERATIONS;
