import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { WaxsealError } from '../../src/errors/index.ts';
import { fromEnvironment, type VaultTransitOptions } from './options.ts';

/** Where the token comes from, and the one in use. */
export class TokenSource {
  readonly #read: () => Promise<string>;
  /** How a person would name the source. */
  readonly #name: string;
  #current: Promise<string> | undefined;

  constructor({ token, tokenFile }: VaultTransitOptions) {
    const inEnvironment = tokenFile === undefined ? fromEnvironment('TOKEN') : undefined;
    const file = tokenFile ?? join(homedir(), '.vault-token');
    if (typeof token === 'function') [this.#read, this.#name] = [async () => token(), 'the token function'];
    else if (token !== undefined) [this.#read, this.#name] = [() => Promise.resolve(token), 'the token option'];
    else if (inEnvironment !== undefined) {
      [this.#read, this.#name] = [() => Promise.resolve(inEnvironment), 'VAULT_TOKEN or BAO_TOKEN'];
    } else [this.#read, this.#name] = [() => readFile(file, 'utf8'), file];
  }

  /** The token in use. @throws WaxsealError `ERR_PROVIDER_CREDENTIALS` where there is none */
  current(): Promise<string> {
    this.#current ??= this.#load();
    return this.#current;
  }

  /** Asks the source again after `refused` was not taken; undefined when it has nothing else. */
  async another(refused: string): Promise<string | undefined> {
    // Of several calls that were refused together, the first one asks.
    if ((await this.current()) === refused) this.#current = this.#load();
    const token = await this.current();
    return token === refused ? undefined : token;
  }

  /** The server takes no token that the source has. */
  expired(): WaxsealError {
    return new WaxsealError(
      'ERR_PROVIDER_CREDENTIALS',
      `Vault does not take the token of ${this.#name}: it expired, was revoked or is wrong`,
      {
        next: 'log in again (vault login, bao login), or have the agent renew the token file. A token without the policy default may not look itself up, so that a missing permission looks the same',
      },
    );
  }

  async #load(): Promise<string> {
    let text: string;
    try {
      text = (await this.#read()).trim();
    } catch (cause) {
      this.#current = undefined;
      throw this.#none(cause);
    }
    // What is no header value would be an error of the HTTP client that quotes it.
    if (!/^[\x21-\x7e]+$/.test(text)) {
      this.#current = undefined;
      throw this.#none();
    }
    return text;
  }

  #none(cause?: unknown): WaxsealError {
    return new WaxsealError('ERR_PROVIDER_CREDENTIALS', `there is no token for Vault in ${this.#name}`, {
      next: 'log in (vault login, bao login), set VAULT_TOKEN, or name a token file',
      cause,
    });
  }
}
