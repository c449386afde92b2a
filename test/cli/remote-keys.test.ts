/** Keys of providers from the command line, on real servers, without a keyring. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { transitPolicy } from '../../providers/vault-transit/policy.ts';
import { hasMoto, type Moto, startMoto } from '../servers/moto.ts';
import { hasOpenBao, type OpenBao, startOpenBao } from '../servers/openbao.ts';
import { hasSoftHsm, makeSoftHsm, type SoftHsm } from '../servers/softhsm.ts';
import { adminOf, createKey, CREDENTIALS } from '../providers/aws-kms/support.ts';
import { pattern } from '../support/bytes.ts';
import { CommandLine, type Run } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';

const plaintext = Buffer.from(pattern(200_000));
let cli: CommandLine;
const at = (name: string): string => join(cli.folder, name);

async function lineWith(env: NodeJS.ProcessEnv): Promise<void> {
  cli = new CommandLine(await temporaryFolder(), env);
  writeFileSync(at('m'), plaintext);
}

/** Runs while this process goes on, which holds a part of the server. */
function running(...args: string[]): Promise<Run> {
  const child = cli.start(args);
  const out: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  return new Promise((resolve) => {
    child.on('close', (status) => {
      const bytes = Buffer.concat(out);
      resolve({ status, bytes, stdout: bytes.toString(), stderr: Buffer.concat(errors).toString() });
    });
  });
}

describe.skipIf(!hasOpenBao())('Transit', () => {
  let bao: OpenBao;
  let key: string;
  beforeAll(async () => {
    bao = await startOpenBao();
  });
  afterAll(() => bao.stop());
  beforeEach(async () => {
    const name = await bao.createKey();
    key = `hashivault://transit/${name}`;
    await lineWith({ VAULT_ADDR: bao.address, VAULT_TOKEN: bao.rootToken });
  });

  it('seals, opens, sees a rotation, rewraps blind and confirms, all without a keyring', () => {
    expect(cli.ok('seal', 'm', '-k', key)).toContain(`to ${key} version 1`);
    expect(cli.ok('inspect', '--check', 'm.wax', '-k', key)).toMatch(/version 1, .*current/);
    expect(cli.ok('rotate', key)).toMatch(/is on version 2 now[\s\S]*-k hashivault/);
    expect(cli.ok('inspect', '--check', 'm.wax', '-k', key)).toMatch(
      new RegExp(`version 1, .*stale[\\s\\S]*next: waxseal rewrap m.wax -k ${key}`),
    );
    expect(cli.ok('rewrap', 'm.wax', '-k', key, '--blind')).toMatch(
      /version 1 → 2, not confirmed[\s\S]*ordinary rewrap confirms/,
    );
    expect(cli.ok('inspect', 'm.wax')).toMatch(/kept until its successor is confirmed[\s\S]*not confirmed yet/);
    expect(cli.ok('rewrap', 'm.wax', '-k', key)).toContain('version 2 confirmed');
    expect(cli.ok('rewrap', 'm.wax', '-k', key)).toContain('nothing to do');
    expect(cli.ok('verify', 'm.wax', '-k', key)).toContain('good');
    cli.ok('open', 'm.wax', '-k', key, '-o', 'back');
    expect(readFileSync(at('back'))).toEqual(plaintext);
    expect(cli.run(['cat', 'm.wax', '-k', key, '--range', '0-9']).bytes).toEqual(plaintext.subarray(0, 10));
    expect(existsSync(at('home'))).toBe(false);
  });

  it('opens with the keys that the configuration names, and says how to name one where it names none', () => {
    cli.ok('seal', 'm', '-k', key);
    const refused = cli.run(['open', 'm.wax', '-o', 'back']);
    expect(refused).toMatchObject({ status: 4 });
    expect(refused.stderr).toMatch(/named with -k, or under keys in waxseal.config/);
    writeFileSync(at('waxseal.config.yaml'), `keys:\n  - ${key}\n`);
    cli.ok('open', 'm.wax', '-o', 'back');
    expect(readFileSync(at('back'))).toEqual(plaintext);
    expect(cli.ok('key', 'list')).toContain(key);
    writeFileSync(at('waxseal.config.yaml'), `defaultKey: ${key}\nhashivault:\n  requestsPerSecond: 50\n`);
    cli.ok('seal', 'm', '--force');
    cli.ok('open', 'm.wax', '-o', 'again');
    expect(cli.ok('rotate', key, '--rewrap', 'm.wax')).toContain('version 1 → 2');
  });

  it('adds, replaces and removes recipients of providers, however their URIs are written', async () => {
    const other = `hashivault://transit/${await bao.createKey()}`;
    const third = `hashivault://transit/${await bao.createKey()}`;
    const query = `?address=${bao.address}`;
    cli.ok('seal', 'm', '-k', key);
    cli.ok('recipients', 'add', 'm.wax', '-k', `${other}${query}`, '--open-with', key);
    cli.ok('rewrap', 'm.wax', '--from', `${other}${query}`, '--to', third, '-k', key);
    const inspected = cli.ok('inspect', 'm.wax');
    expect(inspected).toContain(third);
    expect(inspected).not.toContain(`${other} `);
    cli.ok('recipients', 'remove', 'm.wax', '-k', `${key}${query}`, '--open-with', third);
    cli.ok('reseal', 'm.wax', '-k', key, '--open-with', third, '--drop-others');
    cli.ok('open', 'm.wax', '-k', key, '-o', 'back');
    expect(readFileSync(at('back'))).toEqual(plaintext);
  });

  it('refuses what a configuration misspells', () => {
    for (const line of ['adress: https://v', 'skipVerify: true', 'requestsPerSecond: fast']) {
      writeFileSync(at('waxseal.config.yaml'), `hashivault:\n  ${line}\n`);
      expect(cli.run(['seal', 'm', '-k', key])).toMatchObject({ status: 2, stdout: '' });
    }
  });

  it('doctor tries every permission, and names what is missing down to the line of the policy', async () => {
    expect(cli.ok('doctor', key)).toMatch(
      /describe: version 1 of 1[\s\S]*wrap is permitted[\s\S]*unwrap is permitted[\s\S]*rewrap is permitted[\s\S]*rotate is permitted[\s\S]*clock: agrees/,
    );
    const name = key.split('/').at(-1) ?? '';
    const policy = cli.ok('key', 'policy', key, '--role', 'opener');
    expect(policy).toBe(transitPolicy('opener', 'transit', name));
    await lineWith({ VAULT_ADDR: bao.address, VAULT_TOKEN: await bao.tokenWith(policy) });
    const { status, stdout } = cli.run(['doctor', key]);
    expect(status).toBe(1);
    expect(stdout).toContain(`path "transit/encrypt/${name}" { capabilities = ["update"] }`);
    expect(stdout).toContain(`path "transit/datakey/plaintext/${name}" { capabilities = ["update"] }`);
    expect(stdout).toMatch(/rotate is not permitted/);
    const json = JSON.parse(cli.run(['doctor', key, '--json']).stdout) as { ok: boolean; results: unknown[] };
    expect(json.ok).toBe(false);
    expect(json.results.length).toBeGreaterThan(3);
  });

  it('doctor tells bad credentials, an unknown key and an unreachable server apart', async () => {
    const told = async (env: NodeJS.ProcessEnv, target = key): Promise<string> => {
      await lineWith({ VAULT_ADDR: bao.address, VAULT_TOKEN: bao.rootToken, ...env });
      const { status, stdout } = cli.run(['doctor', target]);
      expect(status).toBe(1);
      return stdout;
    };
    expect(await told({ VAULT_TOKEN: 'wrong' })).toMatch(/ERR_PROVIDER_CREDENTIALS[\s\S]*log in again/);
    expect(await told({}, 'hashivault://transit/nobody')).toMatch(/ERR_KEY_NOT_FOUND/);
    expect(await told({ VAULT_ADDR: 'http://127.0.0.1:1' })).toMatch(/ERR_PROVIDER_UNAVAILABLE/);
    expect(await told({ VAULT_ADDR: 'http://vault.example' })).toMatch(/ERR_CONFIG[\s\S]*https/);
    expect(await told({ VAULT_ADDR: '' })).toMatch(/VAULT_ADDR/);
  });

  it('a blind rewrap with credentials that lack decrypt succeeds, an ordinary one names the permission', async () => {
    cli.ok('seal', 'm', '-k', key);
    cli.ok('rotate', key);
    const name = key.split('/').at(-1) ?? '';
    const token = await bao.tokenWith(transitPolicy('blind-rewrapper', 'transit', name));
    const narrow = new CommandLine(cli.folder, { VAULT_ADDR: bao.address, VAULT_TOKEN: token });
    const refused = narrow.run(['rewrap', 'm.wax', '-k', key]);
    expect(refused.status).toBe(4);
    expect(refused.stderr).toContain(`path "transit/decrypt/${name}" { capabilities = ["update"] }`);
    narrow.ok('rewrap', 'm.wax', '-k', key, '--blind');
    cli.ok('open', 'm.wax', '-k', key, '-o', 'back');
    expect(readFileSync(at('back'))).toEqual(plaintext);
    expect(narrow.run(['rewrap', 'm.wax', '--blind', '--from', key, '--to', key]).status).toBe(2);
  });
});

describe.skipIf(!hasSoftHsm())('PKCS#11', () => {
  let hsm: SoftHsm;
  let counter = 0;
  let key: string;
  beforeAll(() => {
    hsm = makeSoftHsm();
  });
  afterAll(() => hsm.remove());
  beforeEach(async () => {
    await lineWith({ ...hsm.env, WAXSEAL_PKCS11_PIN: hsm.pin });
    key = `pkcs11:token=${hsm.token};object=cli-${String(++counter)}?module-path=${hsm.library}`;
  });

  it('makes a key, seals, rotates, rewraps and opens; switches a version off', () => {
    expect(cli.ok('key', 'create', key)).toMatch(/Created pkcs11:token=.*;object=cli-/);
    expect(cli.run(['key', 'create', key]).stderr).toContain('ERR_KEY_EXISTS');
    cli.ok('seal', 'm', '-k', key);
    cli.ok('rotate', key, '--rewrap', 'm.wax');
    expect(cli.ok('inspect', '--check', 'm.wax', '-k', key)).toMatch(/version 2, .*current/);
    const { results } = JSON.parse(cli.ok('key', 'show', key, '--json')) as {
      results: { versions: { version: string }[] }[];
    };
    expect(cli.ok('key', 'disable', key, '--key-version', results[0]?.versions[0]?.version ?? '')).toContain(
      'suspended',
    );
    cli.ok('open', 'm.wax', '-k', key, '-o', 'back');
    expect(readFileSync(at('back'))).toEqual(plaintext);
    expect(cli.ok('doctor', key)).toMatch(/wrap is permitted/);
    expect(cli.ok('key', 'policy', key, '--role', 'sealer')).toContain('CKA_SENSITIVE=true');
  });

  it('takes the PIN from a file, never from the URI, and asks where there is none', async () => {
    cli.ok('key', 'create', key);
    await lineWith({ ...hsm.env });
    writeFileSync(at('pin'), `${hsm.pin}\n`);
    cli.ok('seal', 'm', '-k', `${key}&pin-source=file:pin`);
    const inUri = cli.run(['open', 'm.wax', '-k', `${key}&pin-value=${hsm.pin}`, '-o', 'back']);
    expect(inUri).toMatchObject({ status: 4 });
    expect(inUri.stderr).not.toContain(hsm.pin);
    expect(cli.run(['open', 'm.wax', '-k', key, '-o', 'back']).stderr).toMatch(/PIN for pkcs11:.*no terminal/);
    writeFileSync(at('waxseal.config.json'), JSON.stringify({ keys: [key], pkcs11: { pinFile: 'pin' } }));
    cli.ok('open', 'm.wax', '-o', 'back');
  });

  it('AES-KWP from the URI rewraps blind', () => {
    const kwp = `${key}&x-mechanism=aes-kwp`;
    cli.ok('key', 'create', kwp);
    cli.ok('seal', 'm', '-k', kwp);
    cli.ok('rotate', kwp);
    expect(cli.ok('rewrap', 'm.wax', '-k', kwp, '--blind')).toContain('not confirmed');
    expect(cli.ok('rewrap', 'm.wax', '-k', kwp)).toContain('confirmed');
    expect(cli.ok('open', 'm.wax', '-k', kwp, '-o', 'back')).toContain('Opened');
  });
});

describe.skipIf(!hasMoto())('AWS KMS', () => {
  let moto: Moto;
  let arn: string;
  let key: string;
  beforeAll(async () => {
    moto = await startMoto();
  });
  afterAll(() => moto.stop());
  beforeEach(async () => {
    const { accessKeyId, secretAccessKey } = CREDENTIALS;
    await lineWith({ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey });
    const admin = adminOf(moto);
    arn = await createKey(admin);
    admin.destroy();
    key = `awskms:///${arn}?endpoint=${moto.endpoint}`;
  });
  const ok = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await running(...args);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    return stdout;
  };

  it('seals with credentials of the environment, sees a rotation, rewraps blind and confirms', async () => {
    await ok('seal', 'm', '-k', key);
    await ok('rotate', key);
    expect(await ok('inspect', '--check', 'm.wax', '-k', key)).toContain('stale');
    expect(await ok('rewrap', 'm.wax', '-k', key, '--blind')).toContain('not confirmed');
    expect(await ok('rewrap', 'm.wax', '-k', key)).toContain('confirmed');
    expect(await ok('inspect', '--check', 'm.wax', '-k', key)).toMatch(/current$/m);
    await ok('open', 'm.wax', '-k', key, '-o', 'back');
    expect(readFileSync(at('back'))).toEqual(plaintext);
    expect(await ok('doctor', key)).toMatch(/in us-east-1, protection hsm[\s\S]*clock: agrees/);
    const policy = JSON.parse(await ok('key', 'policy', key, '--role', 'blind-rewrapper')) as {
      Statement: { Action: string[]; Resource: string }[];
    };
    expect(policy.Statement.flatMap(({ Action }) => Action)).not.toContain('kms:Decrypt');
    expect(policy.Statement.every(({ Resource }) => Resource === arn)).toBe(true);
  });

  it('discovery opens through a filter in the configuration, and not without', async () => {
    await ok('seal', 'm', '-k', key);
    const config = (discovery: object): void =>
      writeFileSync(at('waxseal.config.json'), JSON.stringify({ awskms: { endpoint: moto.endpoint, discovery } }));
    config({ accounts: ['999999999999'], partition: 'aws' });
    const refused = await running('open', 'm.wax', '-o', 'back');
    expect(refused.status).toBe(4);
    expect(refused.stderr).toContain('ERR_NO_MATCHING_KEY');
    config({ accounts: ['123456789012'], partition: 'aws' });
    await ok('open', 'm.wax', '-o', 'back');
    expect(readFileSync(at('back'))).toEqual(plaintext);
    config({ accounts: [], partition: 'aws' });
    expect((await running('open', 'm.wax', '-o', 'no')).status).toBe(2);
  });
});
