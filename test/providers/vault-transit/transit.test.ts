import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseTransitUri, vaultTransit, type VaultTransitOptions } from '../../../providers/vault-transit/index.ts';
import { transitPolicy } from '../../../providers/vault-transit/policy.ts';
import { inspect, open, rewrap, seal } from '../../../src/envelope/index.ts';
import type { PolicyRole } from '../../../src/keys/provider.ts';
import { first, startFaultProxy } from '../../servers/fault-proxy.ts';
import { hasOpenBao, type OpenBao, startOpenBao } from '../../servers/openbao.ts';
import { pattern } from '../../support/bytes.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { containing } from '../../support/matching.ts';

const plaintext = pattern(2_000);

describe.skipIf(!hasOpenBao())('Transit on OpenBao', () => {
  let bao: OpenBao;
  beforeAll(async () => {
    bao = await startOpenBao();
  });
  afterAll(() => bao.stop());

  const connect = (options: Partial<VaultTransitOptions> & { readonly key: string }) =>
    vaultTransit({ address: bao.address, token: bao.rootToken, ...options });
  const as = async (role: PolicyRole, key: string, options: Partial<VaultTransitOptions> = {}) =>
    connect({ key, token: await bao.tokenWith(transitPolicy(role, 'transit', key)), ...options });

  it('attack 14: a key that is not derived is refused, and so are keys of other kinds', async () => {
    const plain = await bao.createKey(undefined, { derived: false });
    const rsa = await bao.createKey(undefined, { derived: false, type: 'rsa-2048' });
    const convergent = await bao.createKey(undefined, { convergent_encryption: true });
    for (const key of [plain, rsa, convergent]) {
      await expect(connect({ key })).rejects.toMatchObject({
        code: 'ERR_PROVIDER_UNSUPPORTED',
        next: containing('derived=true'),
      });
    }
    await expect(connect({ key: 'nobody' })).rejects.toMatchObject({ code: 'ERR_KEY_NOT_FOUND' });
    await expect(connect({ key: 'x', mount: 'nowhere' })).rejects.toMatchObject({
      code: 'ERR_KEY_NOT_FOUND',
      message: containing('no secrets engine'),
    });
  });

  it('the policy of each role permits what it is for, and no more', async () => {
    const key = await bao.createKey();
    const sealer = await as('sealer', key);
    const sealed = await seal(plaintext, sealer);
    const opener = await as('opener', key);
    expect(await open(sealed, opener)).toEqual(plaintext);
    await expect(seal(plaintext, opener)).rejects.toMatchObject({
      code: 'ERR_KEY_DENIED',
      next: containing(`path "transit/datakey/plaintext/${key}" { capabilities = ["update"] }`),
    });
    const rotator = await as('rotator', key);
    expect((await rotator.rotate()).currentVersion).toBe('2');
    expect((await rotator.probe()).mayRotate).toBe(true);
    expect((await sealer.probe()).mayRotate).toBe(false);
    await expect(open(sealed, rotator)).rejects.toMatchObject({ code: 'ERR_KEY_DENIED' });
    await expect(opener.rotate()).rejects.toMatchObject({
      code: 'ERR_KEY_DENIED',
      next: containing(`transit/keys/${key}/rotate`),
    });
  });

  it('a blind rewrap succeeds without decrypt; verified, the same credentials fail naming the permission', async () => {
    const key = await bao.createKey();
    const root = await connect({ key });
    const sealed = await seal(plaintext, root);
    await root.rotate();
    const rewrapper = await as('blind-rewrapper', key);
    await expect(open(sealed, rewrapper)).rejects.toMatchObject({ code: 'ERR_KEY_DENIED' });
    await expect(rewrap(sealed, rewrapper)).rejects.toMatchObject({
      code: 'ERR_KEY_DENIED',
      next: containing(`path "transit/decrypt/${key}" { capabilities = ["update"] }`),
    });
    const blind = await rewrap(sealed, rewrapper, { blind: true });
    expect((await inspect(blind)).recipients.map(({ version, blind: flag }) => [version, flag])).toEqual([
      ['1', false],
      ['2', true],
    ]);
    expect(await open(blind, root)).toEqual(plaintext);
    const confirmed = await rewrap(blind, root);
    expect((await inspect(confirmed)).recipients).toMatchObject([{ version: '2', blind: false }]);
  });

  it('versions below min_decryption_version are disabled, ones that the server never had do not exist', async () => {
    const key = await connect({ key: await bao.createKey() });
    const sealed = await seal(plaintext, key);
    await key.rotate();
    await key.rotate();
    await key.raiseMinimumVersion('2');
    await expect(open(sealed, key)).rejects.toMatchObject({
      code: 'ERR_KEY_DISABLED',
      next: containing('min_decryption_version'),
    });
    const { versions, currentVersion } = await key.describe();
    expect(versions.map(({ state }) => state)).toEqual(['suspended', 'deactivated', 'active']);
    expect(currentVersion).toBe('3');
    const wrapped = await key.wrap(pattern(32), pattern(32));
    const text = Buffer.from(wrapped.wrap).toString().replace('vault:v3:', 'vault:v9:');
    const lost = { ...wrapped, version: '9', wrap: new Uint8Array(Buffer.from(text)) };
    await expect(key.unwrap(lost, pattern(32))).rejects.toMatchObject({ code: 'ERR_KEY_NOT_FOUND' });
  });

  it('without permission to read the key it is used only when somebody vouches that it is derived', async () => {
    const key = await bao.createKey();
    const policy = transitPolicy('sealer', 'transit', key).replace(/path "transit\/keys[^}]*}\n/, '');
    const token = await bao.tokenWith(policy);
    await expect(connect({ key, token })).rejects.toMatchObject({
      code: 'ERR_KEY_DENIED',
      next: containing('assumeDerived'),
    });
    const vouched = await connect({ key, token, assumeDerived: true });
    expect(await open(await seal(plaintext, vouched), vouched)).toEqual(plaintext);
  });

  it('a token that expires in mid-batch is read again from its file, and every call of the batch succeeds', async () => {
    const key = await bao.createKey();
    const policy = transitPolicy('sealer', 'transit', key);
    const [old, fresh] = [await bao.tokenWith(policy), await bao.tokenWith(policy)];
    const tokenFile = join(await temporaryFolder(), 'token');
    await writeFile(tokenFile, `${old}\n`);
    const proxy = await startFaultProxy(bao.address);
    const provider = await vaultTransit({ key, address: proxy.endpoint, tokenFile });
    proxy.fault = first(1, '/encrypt/', async () => {
      await bao.request('POST', 'auth/token/revoke', { token: old });
      await writeFile(tokenFile, fresh);
      return false;
    });
    const secrets = Array.from({ length: 50 }, () => pattern(32));
    const wraps = await Promise.all(secrets.map((secret) => provider.wrap(secret, pattern(32))));
    const opened = await Promise.all(wraps.map((wrapped) => provider.unwrap(wrapped, pattern(32))));
    expect(opened.map(({ secret }) => secret)).toEqual(secrets);
    // And with nothing else in the file, it is the credentials that are told, not a permission.
    await bao.request('POST', 'auth/token/revoke', { token: fresh });
    await expect(provider.wrap(pattern(32), pattern(32))).rejects.toMatchObject({
      code: 'ERR_PROVIDER_CREDENTIALS',
      message: containing(tokenFile),
    });
    provider.close();
    await proxy.stop();
  });

  it('a renewable token is renewed in the last third of its time, in the background of calls', async () => {
    const key = await bao.createKey();
    const token = await bao.tokenWith(transitPolicy('sealer', 'transit', key), { ttl: '9s', renewable: true });
    const proxy = await startFaultProxy(bao.address);
    const provider = await vaultTransit({ key, address: proxy.endpoint, token });
    const until = Date.now() + 12_000;
    while (Date.now() < until && proxy.count('renew-self') === 0) {
      await provider.wrap(pattern(32), pattern(32));
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    expect(proxy.count('renew-self')).toBe(1);
    expect(proxy.count('lookup-self')).toBeLessThan(10);
    provider.close();
    await proxy.stop();
  }, 30_000);

  it('calls at the same time share requests; one that is bad fails alone', async () => {
    const proxy = await startFaultProxy(bao.address);
    const provider = await vaultTransit({ key: await bao.createKey(), address: proxy.endpoint, token: bao.rootToken });
    const wraps = await Promise.all(Array.from({ length: 100 }, () => provider.wrap(pattern(32), pattern(32))));
    expect(proxy.count('/encrypt/')).toBe(4);
    const outcomes = await Promise.allSettled(
      wraps.map((wrapped, at) => provider.unwrap(wrapped, at === 7 ? pattern(32).reverse() : pattern(32))),
    );
    expect(proxy.count('/decrypt/')).toBe(4);
    outcomes.forEach((outcome, at) => {
      if (at !== 7) expect(outcome).toMatchObject({ status: 'fulfilled', value: { secret: pattern(32) } });
      else expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_AUTHENTICATION' } });
    });
    const controller = new AbortController();
    const given = provider.wrap(pattern(32), pattern(32), { signal: controller.signal });
    const other = provider.wrap(pattern(32), pattern(32));
    controller.abort(new DOMException('enough', 'AbortError'));
    await expect(given).rejects.toThrow('enough');
    await other;
    provider.close();
    await proxy.stop();
  });

  it('namespaces: a key of one is not seen from the other', async () => {
    await bao.request('POST', 'sys/namespaces/team', {});
    const inside = async (method: string, path: string, body: object): Promise<void> => {
      const headers = { 'x-vault-token': bao.rootToken, 'x-vault-namespace': 'team' };
      const response = await fetch(`${bao.address}/v1/${path}`, { method, headers, body: JSON.stringify(body) });
      expect(response.ok).toBe(true);
    };
    await inside('POST', 'sys/mounts/transit', { type: 'transit' });
    await inside('POST', 'transit/keys/inner', { derived: true });
    const key = await connect({ key: 'inner', namespace: 'team' });
    expect(await open(await seal(plaintext, key), key)).toEqual(plaintext);
    expect(key.uri).toBe('hashivault://transit/inner');
    await expect(connect({ key: 'inner' })).rejects.toMatchObject({ code: 'ERR_KEY_NOT_FOUND' });
  });
});

describe('what Transit is told by options and environment', () => {
  afterEach(() => {
    delete process.env['VAULT_SKIP_VERIFY'];
  });
  const base = { key: 'k', address: 'https://127.0.0.1:1', token: 't' };

  it.each([
    ['an unknown option', { ...base, adress: 'x' }, /unknown option "adress"/],
    ['a switch for certificates', { ...base, skipVerify: true }, /unknown option "skipVerify"/],
    ['two tokens', { ...base, tokenFile: 'f' }, /exclude each other/],
    ['a batch of nothing', { ...base, batch: 0 }, /batch must be/],
    ['a limit that is none', { ...base, requestsPerSecond: -1 }, /requestsPerSecond/],
    ['another kind of key', { ...base, key: 7 }, /key must be a text/],
  ])('%s is refused', async (_name, options, message) => {
    await expect(vaultTransit(options as unknown as VaultTransitOptions)).rejects.toThrow(message);
  });

  it('plain http to another machine is refused, and so is an environment that does without certificates', async () => {
    for (const address of [
      'http://10.0.0.1:8200',
      'http://vault.example',
      'ftp://127.0.0.1',
      'http://localhost.evil.example',
    ]) {
      await expect(vaultTransit({ ...base, address })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
    }
    process.env['VAULT_SKIP_VERIFY'] = '1';
    await expect(vaultTransit(base)).rejects.toMatchObject({ code: 'ERR_CONFIG', object: 'VAULT_SKIP_VERIFY' });
  });

  it('reads key URIs, and writes them in one spelling', () => {
    expect(parseTransitUri('hashivault://team/transit/models?address=https://v:8200&namespace=ns')).toEqual({
      mount: 'team/transit',
      key: 'models',
      address: 'https://v:8200',
      namespace: 'ns',
    });
    for (const bad of [
      'hashivault:transit/k',
      'hashivault://k',
      'hashivault://a/../k',
      'hashivault://t/k?token=x',
      'hashivault://t/k?a?b',
    ]) {
      expect(() => parseTransitUri(bad)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_KEY_URI' }));
    }
  });

  it('a server that is something else is told from one that refuses', async () => {
    let answer: readonly [number, string, Record<string, string>] = [200, '', {}];
    const server = createServer((_request, response) => {
      response.writeHead(answer[0], answer[2]).end(answer[1]);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    for (const [status, body, headers, code] of [
      [200, 'hello', {}, 'ERR_PROVIDER_RESPONSE'],
      [200, '[]', {}, 'ERR_PROVIDER_RESPONSE'],
      [200, '{"data":{}}', {}, 'ERR_PROVIDER_RESPONSE'],
      [200, `{"data":"${'x'.repeat(2_000_000)}"}`, {}, 'ERR_PROVIDER_RESPONSE'],
      [307, '', { location: 'https://elsewhere' }, 'ERR_PROVIDER_RESPONSE'],
      [503, '{"errors":["Vault is sealed"]}', {}, 'ERR_PROVIDER_UNAVAILABLE'],
      [502, '<html>', {}, 'ERR_PROVIDER_UNAVAILABLE'],
    ] as const) {
      answer = [status, body, headers];
      await expect(vaultTransit({ ...base, address, maxAttempts: 1 })).rejects.toMatchObject({ code });
    }
    server.closeAllConnections();
    server.close();
  });
});
