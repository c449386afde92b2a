import { chownSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Finding } from '../../../src/cli/doctor/finding.ts';
import type { CommandLine } from '../../support/cli.ts';

export const isRoot = process.geteuid?.() === 0;
export const NOBODY = 65534;

/** What one run of doctor found. */
export interface Examined {
  readonly status: number | null;
  readonly findings: readonly Finding[];
  /** The one finding of a check that is not ok. */
  of(check: string): Finding;
}

/** Runs doctor and compares its exit code with what it found. */
export function doctor(cli: CommandLine, args: readonly string[] = [], uid?: number): Examined {
  const user = uid === undefined ? {} : { uid, gid: uid };
  const { status, stdout, stderr } = cli.run(['doctor', '--json', ...args], user);
  expect(stderr).toBe('');
  const { ok, command, results } = JSON.parse(stdout) as { ok: boolean; command: string; results: Finding[] };
  expect(command).toBe('doctor');
  expect(ok).toBe(!results.some((finding) => finding.status === 'problem'));
  expect(status).toBe(ok ? 0 : 1);
  return {
    status,
    findings: results,
    of(check) {
      const found = results.filter((finding) => finding.check === check && finding.status !== 'ok');
      expect(found, JSON.stringify(results)).toHaveLength(1);
      return found[0]!;
    },
  };
}

/** Expectations with the types of what they stand for. */
export const containing = (text: string): string => expect.stringContaining(text) as string;
export const matching = (pattern: RegExp): string => expect.stringMatching(pattern) as string;
export const like = (finding: Partial<Finding>): Finding => expect.objectContaining(finding) as Finding;

/** Findings that somebody has to attend to, those of the disk of this machine aside. */
export function bad({ findings }: Examined): readonly Finding[] {
  return findings.filter(({ check, status }) => check !== 'disk' && (status === 'warning' || status === 'problem'));
}

/** A command line of the same folder that sees another time. */
export function shifted<T extends CommandLine>(cli: T, byMs: number): T {
  const script = join(cli.folder, 'shift.mjs');
  writeFileSync(
    script,
    `const Real = Date;
globalThis.Date = class extends Real {
  constructor(...given) { if (given.length === 0) super(Real.now() + ${String(byMs)}); else super(...given); }
  static now() { return Real.now() + ${String(byMs)}; }
};`,
  );
  const env = { ...cli.env, NODE_OPTIONS: `--import=${script}` };
  return Object.create(cli, { env: { value: env } }) as T;
}

/** Every file and folder with its mode, size and time, the home's own time aside. */
export function snapshot(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const { mode, size, mtimeMs } = statSync(join(folder, name));
      return `${name} ${mode.toString(8)} ${String(size)} ${name === 'home' ? '' : String(mtimeMs)}`;
    });
}

/** Gives a folder and everything in it to a user. */
export function giveTo(uid: number, folder: string): void {
  chownSync(folder, uid, uid);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    chownSync(join(folder, name), uid, uid);
}
