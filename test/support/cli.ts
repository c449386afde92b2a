import { execFileSync, spawn, spawnSync, type SpawnOptions } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { buildIfStale } from '../build.ts';
import { pattern } from './bytes.ts';
import { temporaryFolder } from './folder.ts';

/** The built program: it starts three times as fast as the sources, whose types must be stripped first. */
const BIN = join(import.meta.dirname, '../../dist/src/cli/bin.js');
buildIfStale();

/** What a run of the command line left. */
export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  /** Standard output as it came. */
  readonly bytes: Buffer;
  readonly stderr: string;
}

/** A command line in a folder, with a home of its own in it. */
export class CommandLine {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;

  constructor(folder: string, env: NodeJS.ProcessEnv = {}) {
    this.folder = folder;
    const { WAXSEAL_PASSPHRASE_FILE: _passphrase, XDG_CONFIG_HOME: _config, ...rest } = process.env;
    this.env = { ...rest, WAXSEAL_HOME: join(folder, 'home'), NO_COLOR: '1', ...env };
  }

  /** Runs and waits. */
  run(args: readonly string[], options: { input?: Uint8Array; uid?: number; gid?: number } = {}): Run {
    const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], {
      cwd: this.folder,
      env: this.env,
      encoding: 'buffer',
      maxBuffer: 1 << 28,
      ...options,
    });
    return { status, stdout: stdout.toString(), bytes: stdout, stderr: stderr.toString() };
  }

  /** Starts and leaves running. */
  start(args: readonly string[], stdio: SpawnOptions['stdio'] = ['ignore', 'pipe', 'pipe']): ReturnType<typeof spawn> {
    return spawn(process.execPath, [BIN, ...args], { cwd: this.folder, env: this.env, stdio });
  }

  /** Runs and must succeed. */
  ok(...args: string[]): string {
    const { status, stdout, stderr } = this.run(args);
    if (status !== 0) throw new RangeError(`waxseal ${args.join(' ')} ended with ${String(status)}: ${stderr}`);
    return stdout;
  }
}

let template: string | undefined;

/**
 * A command line whose home has a keyring with a key file, and whose folder has the file `m` of 300,000 bytes and
 * `m.wax`. Made once for each test file, and copied.
 */
export async function preparedCommandLine(): Promise<CommandLine> {
  if (template === undefined) {
    template = await mkdtemp(join(tmpdir(), 'waxseal-template-'));
    const cli = new CommandLine(template);
    cli.ok('init', '--key-file');
    await writeFile(join(template, 'm'), pattern(300_000));
    cli.ok('seal', 'm');
  }
  const folder = await temporaryFolder();
  // With permissions: a keyring that others can read is refused.
  execFileSync('cp', ['-a', `${template}/.`, folder]);
  return new CommandLine(folder);
}

afterAll(async () => {
  if (template !== undefined) await rm(template, { recursive: true, force: true });
});
