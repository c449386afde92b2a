import { fromSystemError, isWaxsealError } from '../errors/index.ts';

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
}

/** What went wrong, as `--json` tells it. */
export interface ErrorDocument {
  readonly code: string;
  readonly message: string;
  readonly object?: string | undefined;
  readonly next?: string | undefined;
}

/**
 * Where a command says things. People read short sentences; machines read one JSON document on standard output, or on
 * standard error where standard output carries a payload.
 */
export class Output {
  readonly json: boolean;
  readonly #quiet: boolean;
  #command = 'waxseal';
  #stdoutIsPayload = false;

  constructor({ json, quiet }: OutputOptions) {
    this.json = json;
    this.#quiet = quiet;
  }

  /** Names the command in documents. */
  begin(command: string): void {
    this.#command = command;
  }

  /** From here on standard output belongs to the payload. */
  payloadOnStdout(): void {
    this.#stdoutIsPayload = true;
  }

  /** A sentence for a person. */
  say(line = ''): void {
    if (!this.json && !this.#quiet) this.#stream().write(`${visible(line)}\n`);
  }

  /** A sentence that a person must see even with --quiet. */
  warn(line: string): void {
    if (!this.json) process.stderr.write(`${this.#paint('33', 'warning')}: ${visible(line)}\n`);
  }

  /** The document of a command that ended well, or that ended for some objects. */
  results(results: readonly unknown[], ok = true): void {
    if (!this.json) return;
    this.#stream().write(`${JSON.stringify({ ok, command: this.#command, results })}\n`);
  }

  /** One error, for a person; in JSON mode nothing: it goes into a document. */
  complain(error: unknown): void {
    if (this.json) return;
    const { code, message, next } = describeError(error);
    process.stderr.write(`${this.#paint('31', 'waxseal')}: ${visible(message)} [${code}]\n`);
    if (next !== undefined) process.stderr.write(`  next: ${visible(next)}\n`);
  }

  /** The error that ended a command. */
  fail(error: unknown): void {
    this.complain(error);
    if (this.json) {
      this.#stream().write(`${JSON.stringify({ ok: false, command: this.#command, error: describeError(error) })}\n`);
    }
  }

  /** Bold on a terminal. */
  strong(text: string): string {
    return this.#paint('1', text);
  }

  #stream(): NodeJS.WriteStream {
    return this.#stdoutIsPayload ? process.stderr : process.stdout;
  }

  #paint(code: string, text: string): string {
    const plain = process.env['NO_COLOR'] !== undefined && process.env['NO_COLOR'] !== '';
    return process.stderr.isTTY && process.stdout.isTTY && !plain ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}

const BOLD = /^\u001b\[(?:1|0)m/;

/**
 * A line with control characters made visible, except line ends and our own bold: names and contexts come from whoever
 * wrote the object, and must not draw on the terminal.
 */
function visible(line: string): string {
  return line.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, (character, at: number) =>
    character === '\u001b' && BOLD.test(line.slice(at)) ? character : escape(character),
  );
}

/** A value in which no character, not even the end of a line, can draw on the terminal. */
export function printable(value: string): string {
  return value.replace(/[\u0000-\u001f\u007f-\u009f]/g, escape);
}

function escape(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** An error as both kinds of output tell it. */
export function describeError(error: unknown): ErrorDocument {
  if (isWaxsealError(error)) {
    const { code, message, object, next } = error;
    return { code, message, object, next };
  }
  if (error instanceof TypeError || error instanceof RangeError) {
    return { code: 'ERR_USAGE', message: error.message, next: 'see --help for the command' };
  }
  const system = fromSystemError(error, 'use', pathOf(error) ?? 'a file');
  if (isWaxsealError(system)) return describeError(system);
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'ERR_INTERNAL', message, next: 'report it, with what you typed' };
}

function pathOf(error: unknown): string | undefined {
  return error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : undefined;
}

/** 1536 → "1.5 KiB". */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** step;
  return `${step === 0 ? String(bytes) : value.toFixed(value < 10 ? 1 : 0)} ${units[step] ?? 'B'}`;
}

/** 1234 ms → "1.2 s". */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** `one object`, `two objects`. */
export function count(n: number, noun: string): string {
  return `${String(n)} ${noun}${n === 1 ? '' : 's'}`;
}
