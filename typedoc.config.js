import packageJson from './package.json' with { type: 'json' };
import { ERROR_CODES } from './src/errors/index.ts';

/** Whose documentation is their text: every code says what it means and what to do next. */
const codes = Object.entries(ERROR_CODES).flatMap(([code, facts]) => [
  `ERROR_CODES.__type.${code}`,
  ...Object.keys(facts).map((fact) => `ERROR_CODES.__type.${code}.__type.${fact}`),
]);

/** The API reference: `npm run docs:api` writes it into `api`, `npm run check` only looks whether it is complete. */
export default {
  name: 'Waxseal',
  entryPoints: Object.values(packageJson.exports).flatMap((target) =>
    typeof target === 'string' ? [] : target.types.replace('./dist/', '').replace('.d.ts', '.ts'),
  ),
  tsconfig: 'tsconfig.build.json',
  out: 'api',
  readme: 'none',
  // A clone may have another remote, or none: links to it would differ from machine to machine.
  disableSources: true,
  // npm run typecheck does that.
  skipErrorChecking: true,
  excludeInternal: true,
  excludePrivate: true,
  validation: {
    notExported: true,
    invalidLink: true,
    invalidPath: true,
    rewrittenLink: true,
    notDocumented: true,
    unusedMergeModuleWith: true,
  },
  requiredToBeDocumented: [
    'Module',
    'Variable',
    'Function',
    'Class',
    'Interface',
    'Property',
    'Method',
    'Accessor',
    'TypeAlias',
  ],
  intentionallyNotDocumented: codes.map((name) => `src.${name}`),
};
