import { access, constants, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fromSystemError } from '../../errors/index.ts';
import type { Examination } from './examination.ts';
import { failed, type Finding } from './finding.ts';
import { walk } from './private.ts';

/** The folders that a command line names. */
export interface Folders {
  /** Each folder that was named, or that holds a file that was. */
  readonly roots: readonly string[];
  /** The same, and with `recursive` the folders in them. */
  readonly folders: readonly string[];
  /** Paths that cannot be looked at. */
  readonly findings: readonly Finding[];
}

const CHECK = 'path';

/** Finds the folders to look into. Links within them are not followed. */
export async function findFolders(paths: readonly string[], recursive: boolean): Promise<Folders> {
  const roots = new Set<string>();
  const folders = new Set<string>();
  const findings: Finding[] = [];
  const enter = async (folder: string): Promise<void> => {
    if (folders.has(folder)) return;
    try {
      await access(folder, constants.R_OK | constants.X_OK);
      folders.add(folder);
      if (!recursive) return;
      for (const entry of await readdir(folder, { withFileTypes: true })) {
        if (entry.isDirectory()) await enter(join(folder, entry.name));
      }
    } catch (error) {
      findings.push(failed(CHECK, fromSystemError(error, 'look into', folder, true)));
    }
  };
  for (const path of paths.length === 0 ? ['.'] : paths) {
    const absolute = resolve(path);
    try {
      const root = (await stat(absolute)).isDirectory() ? absolute : dirname(absolute);
      roots.add(root);
      await enter(root);
    } catch (error) {
      findings.push(failed(CHECK, fromSystemError(error, 'look at', path, true)));
    }
  }
  return { roots: [...roots], folders: [...folders], findings };
}

/** Every folder that Waxseal may have written to: home, keyring with the folders of its keys, and those that were named. */
export async function writtenFolders(examination: Examination): Promise<string[]> {
  const found = new Map<string, string>();
  const keyring = await examination.keyringFolder();
  const ofKeys = keyring === undefined ? [] : await walk(keyring).catch(() => []);
  const keyFolders = ofKeys.filter(({ kind }) => kind === 'folder').map(({ path }) => path);
  for (const folder of [examination.home, ...keyFolders, ...examination.folders]) {
    // One that cannot be read is told by the checks of the home and of the paths.
    const readable = await access(folder, constants.R_OK | constants.X_OK).then(
      () => true,
      () => false,
    );
    if (readable) found.set(await realpath(folder), folder);
  }
  return [...found.values()];
}
