import type { LocalKeyring } from '../../keys/local/index.ts';
import type { Context } from '../context.ts';
import type { Finding } from './finding.ts';
import { word } from './wording.ts';

/** What is examined, and what earlier checks found out for later ones. */
export class Examination {
  readonly context: Context;
  /** Whether to mend what is safe to mend. */
  readonly fix: boolean;
  /** Absolute paths of the folders that were named. */
  readonly roots: readonly string[];
  /** The same, and with `-r` the folders in them. */
  readonly folders: readonly string[];
  /** The unlocked keyring, once the check that unlocks it has done so. */
  ring: LocalKeyring | undefined;
  readonly #homeOption: string | undefined;

  constructor(
    context: Context,
    options: {
      readonly fix: boolean;
      readonly home: string | undefined;
      readonly roots: readonly string[];
      readonly folders: readonly string[];
    },
  ) {
    this.context = context;
    this.fix = options.fix;
    this.roots = options.roots;
    this.folders = options.folders;
    this.#homeOption = options.home;
  }

  get home(): string {
    return this.context.home;
  }

  /** A command of ours for the home that is examined. */
  command(line: string): string {
    return this.#homeOption === undefined ? `waxseal ${line}` : `waxseal --home ${word(this.home)} ${line}`;
  }

  /** Folder of the keyring; undefined when the configuration, which may name another one, cannot be read. */
  keyringFolder(): Promise<string | undefined> {
    return this.context.keyringFolder().catch(() => undefined);
  }

  close(): void {
    this.ring?.close();
  }
}

/** A group of checks. It may throw: the runner makes a finding of it. */
export interface Check {
  /** Under which its error is told. */
  readonly name: string;
  readonly run: (examination: Examination) => Promise<readonly Finding[]> | readonly Finding[];
}
