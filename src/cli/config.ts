import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { WaxsealError } from '../errors/index.ts';

/** How often a provider may be called, and how long that may take; as the adapters take it. */
interface Limits {
  readonly deadlineMs?: number | undefined;
  readonly attemptTimeoutMs?: number | undefined;
  readonly maxAttempts?: number | undefined;
  readonly requestsPerSecond?: number | undefined;
}

/** What a configuration file may say in this version. */
export interface Config {
  /** Keys of providers that opening tries, beside those of the keyring. */
  readonly keys?: readonly string[] | undefined;
  readonly awskms?:
    | (Limits & {
        readonly region?: string | undefined;
        readonly endpoint?: string | undefined;
        readonly profile?: string | undefined;
        readonly allowedKeys?: string[] | undefined;
        readonly multiRegion?: boolean | undefined;
        readonly discovery?: { readonly accounts: string[]; readonly partition: string } | undefined;
      })
    | undefined;
  readonly gcpkms?:
    (Limits & { readonly endpoint?: string | undefined; readonly keyFile?: string | undefined }) | undefined;
  readonly hashivault?:
    | (Limits & {
        readonly address?: string | undefined;
        readonly namespace?: string | undefined;
        readonly tokenFile?: string | undefined;
        readonly caFile?: string | undefined;
        readonly clientCertFile?: string | undefined;
        readonly clientKeyFile?: string | undefined;
        readonly assumeDerived?: boolean | undefined;
      })
    | undefined;
  readonly pkcs11?:
    | (Limits & {
        readonly library?: string | undefined;
        readonly libraryParameters?: string | undefined;
        readonly pinFile?: string | undefined;
        readonly sessions?: number | undefined;
      })
    | undefined;
  /** Which keys opening tries first, and how long it waits for each. */
  readonly failover?:
    | {
        readonly region?: string | undefined;
        readonly order?: ('near' | 'remote' | 'offline')[] | undefined;
        readonly slowMs?: number | undefined;
        readonly recoverMs?: number | undefined;
      }
    | undefined;
  /** Recipients that go together, by a name of their own: `seal --preset NAME`. */
  readonly presets?: Readonly<Record<string, string[]>> | undefined;
  readonly defaultKey?: string | undefined;
  /** Folder of the keyring. */
  readonly keyring?: string | undefined;
  /** The file that said so. */
  readonly file?: string | undefined;
}

const NAMES = ['ts', 'js', 'json', 'yaml'].map((ending) => `waxseal.config.${ending}`);
/** Names that CLI.md gives to later versions: told apart from typing errors. */
const LATER = ['classes', 'schedules', 'catalog', 'audit'];

/**
 * The configuration: of the working folder, else of the home.
 *
 * @throws WaxsealError `ERR_CONFIG`
 */
export async function readConfig(folders: readonly string[]): Promise<Config> {
  for (const folder of folders) {
    for (const name of NAMES) {
      const file = join(folder, name);
      const there = await stat(file).then(
        (facts) => facts.isFile(),
        () => false,
      );
      if (there) return { ...(await parse(file, await load(file))), file };
    }
  }
  return {};
}

async function load(file: string): Promise<unknown> {
  await refuseForeign(file);
  try {
    if (file.endsWith('.json')) return JSON.parse(await readFile(file, 'utf8'));
    if (file.endsWith('.yaml')) return (await import('yaml')).parse(await readFile(file, 'utf8')) as unknown;
    return ((await import(pathToFileURL(file).href)) as { readonly default?: unknown }).default;
  } catch (cause) {
    const why = cause instanceof Error ? `: ${cause.message}` : '';
    throw new WaxsealError('ERR_CONFIG', `${file} cannot be read${why}`, { object: file, cause });
  }
}

/**
 * A configuration decides which keys are used, and `.ts` and `.js` are code: whoever can write it can act as the user.
 * So it counts only where nobody else can write it, as git does with repositories.
 */
async function refuseForeign(file: string): Promise<void> {
  const user = process.getuid?.();
  for (const path of [file, dirname(file)]) {
    const { uid, mode } = await stat(path);
    const sticky = (mode & 0o1000) !== 0 && path !== file;
    if (user !== undefined && uid !== user && uid !== 0) {
      throw foreign(file, path, 'belongs to another user', `chown $(id -un) '${path}', or remove the file`);
    }
    if ((mode & 0o022) !== 0 && !sticky) {
      throw foreign(file, path, 'can be written by others', `chmod go-w '${path}'`);
    }
  }
}

function foreign(file: string, path: string, why: string, next: string): WaxsealError {
  return new WaxsealError('ERR_CONFIG', `${file} is not used: ${path} ${why}`, { object: file, next });
}

async function parse(file: string, value: unknown): Promise<Config> {
  const { z } = await import('zod');
  const text = z.string().optional();
  const flag = z.boolean().optional();
  const number = z.int().positive().optional();
  const limits = { deadlineMs: number, attemptTimeoutMs: number, maxAttempts: number, requestsPerSecond: number };
  const schema = z.strictObject({
    defaultKey: text,
    keyring: text,
    keys: z.array(z.string()).optional(),
    presets: z.record(z.string(), z.array(z.string()).min(1)).optional(),
    failover: z
      .strictObject({
        region: text,
        order: z.array(z.enum(['near', 'remote', 'offline'])).optional(),
        slowMs: number,
        recoverMs: number,
      })
      .optional(),
    awskms: z
      .strictObject({
        ...limits,
        region: text,
        endpoint: text,
        profile: text,
        allowedKeys: z.array(z.string()).optional(),
        multiRegion: flag,
        discovery: z.strictObject({ accounts: z.array(z.string()).min(1), partition: z.string() }).optional(),
      })
      .optional(),
    gcpkms: z.strictObject({ ...limits, endpoint: text, keyFile: text }).optional(),
    hashivault: z
      .strictObject({
        ...limits,
        address: text,
        namespace: text,
        tokenFile: text,
        caFile: text,
        clientCertFile: text,
        clientKeyFile: text,
        assumeDerived: flag,
      })
      .optional(),
    pkcs11: z
      .strictObject({ ...limits, library: text, libraryParameters: text, pinFile: text, sessions: number })
      .optional(),
  });
  const later = Object.keys(value ?? {}).filter((name) => LATER.includes(name));
  if (later.length > 0) {
    throw new WaxsealError('ERR_CONFIG', `${file}: ${later.join(', ')} is not in this version of waxseal`, {
      object: file,
      next: 'remove the field, or upgrade waxseal',
    });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
    throw new WaxsealError('ERR_CONFIG', `${file}${where}: ${issue?.message ?? 'not a configuration'}`, {
      object: file,
    });
  }
  return parsed.data;
}
