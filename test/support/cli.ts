import { spawn, spawnSync, type SpawnOptions } from 'node:child_process';
import { join } from 'node:path';
import { buildIfStale } from '../build.ts';

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
