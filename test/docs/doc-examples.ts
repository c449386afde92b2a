/** The `@example`s of the package: found in its sources, and compiled against what was built. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '../..');

/** An `@example` of something that a subpath of the package exports. */
export interface DocExample {
  /** `waxseal`, `waxseal/floe`, … */
  readonly from: string;
  /** The exported function or class, with the member where it stands at one. */
  readonly of: string;
  readonly code: string;
}

/** What examples may use without saying where it comes from. Their own declarations stand in a block and win. */
const SURROUNDINGS = `
declare const keyring: import('waxseal').LocalKeyring;
declare const sealed: Uint8Array;
declare const privateKey: Uint8Array;
declare const folder: string;
declare function myKey(): Promise<import('waxseal').KeyProvider>;
declare function test(name: string, run: (context: { skip(why: string): void }) => Promise<void>): void;
`;

interface Entry {
  readonly subpath: string;
  readonly source: string;
}

/** The subpaths of the package that hold code, with their sources. */
function entries(): Entry[] {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string }>;
  };
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string'
      ? []
      : [
          {
            subpath: `waxseal${path.slice(1)}`,
            source: join(ROOT, target.types.replace('./dist/', '').replace('.d.ts', '.ts')),
          },
        ],
  );
}

/** The compiler's options for the package, as its users have them at their strictest. */
function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT);
  return { ...options, noUnusedLocals: false, noUnusedParameters: false, configFilePath: join(ROOT, 'tsconfig.json') };
}

/** Every name that each subpath exports. */
export type Exports = ReadonlyMap<string, readonly string[]>;

/** Reads the sources behind every subpath. */
export function readExamples(): { readonly examples: readonly DocExample[]; readonly exports: Exports } {
  const all = entries();
  const program = ts.createProgram(
    all.map(({ source }) => source),
    compilerOptions(),
  );
  const checker = program.getTypeChecker();
  const examples: DocExample[] = [];
  const exports = new Map<string, string[]>();
  const seen = new Set<ts.Symbol>();
  for (const { subpath, source } of all) {
    const file = program.getSourceFile(source);
    const symbol = file && checker.getSymbolAtLocation(file);
    if (symbol === undefined) throw new RangeError(`${source} is no module`);
    const names: string[] = [];
    for (const exported of checker.getExportsOfModule(symbol)) {
      names.push(exported.name);
      const meant = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      if (seen.has(meant)) continue;
      seen.add(meant);
      examples.push(...examplesOf(meant, exported.name, subpath, checker));
      for (const member of meant.members?.values() ?? []) {
        examples.push(...examplesOf(member, `${exported.name}.${member.name}`, subpath, checker));
      }
    }
    exports.set(subpath, names);
  }
  return { examples, exports };
}

function examplesOf(symbol: ts.Symbol, of: string, from: string, checker: ts.TypeChecker): DocExample[] {
  return symbol
    .getJsDocTags(checker)
    .filter(({ name }) => name === 'example')
    .map(({ text }) => ({ of, from, code: unfenced(ts.displayPartsToString(text)) }));
}

/** The code of an example, which may stand in a fence or by itself. */
function unfenced(text: string): string {
  return /^```\w*\n([\s\S]*?)\n```$/m.exec(text.trim())?.[1] ?? text;
}

/** A module that holds one example. Names of the package that it uses are imported for it. */
function exampleModule({ code, from }: DocExample, exports: Exports): string {
  const lines = code.split('\n');
  const own = lines.filter((line) => line.startsWith('import '));
  const body = lines.filter((line) => !line.startsWith('import '));
  const imported = new Set<string>();
  const imports = [from, ...[...exports.keys()].filter((subpath) => subpath !== from)].map((subpath) => {
    const names = (exports.get(subpath) ?? []).filter(
      (name) => !imported.has(name) && new RegExp(`\\b${name}\\b`).test(code) && !own.join('\n').includes(name),
    );
    for (const name of names) imported.add(name);
    return names.length === 0 ? '' : `import { ${names.join(', ')} } from '${subpath}';`;
  });
  return [...imports, ...own, SURROUNDINGS, '{', ...body, '}', 'export {};', ''].join('\n');
}

/** Compiles the examples against the built package; what the compiler says about each, by its place in the list. */
export function compileExamples(examples: readonly DocExample[], exports: Exports): string[][] {
  const options = compilerOptions();
  const host = ts.createCompilerHost(options);
  // In the package's own folder, so that its name leads to what was built.
  const modules = new Map(
    examples.map((example, index) => [join(ROOT, `doc-example-${String(index)}.ts`), exampleModule(example, exports)]),
  );
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => modules.has(path) || fileExists(path);
  host.readFile = (path) => modules.get(path) ?? readFile(path);
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const text = modules.get(path);
    return text === undefined
      ? getSourceFile(path, languageVersion, ...rest)
      : ts.createSourceFile(path, text, languageVersion, true);
  };
  const program = ts.createProgram([...modules.keys()], options, host);
  return [...modules.keys()].map((path) => {
    const file = program.getSourceFile(path);
    return ts
      .getPreEmitDiagnostics(program, file)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  });
}
