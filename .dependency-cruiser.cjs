/**
 * The floors of the house (CONTRIBUTING.md, "The house"). A room imports from lower floors only; rooms on one floor do
 * not know each other; there are no circles. `errors` lies under everything.
 */
const FLOORS = [
  ['errors'],
  ['bytes', 'files'],
  ['crypto', 'catalog', 'audit', 'provenance'],
  ['keys', 'storage'],
  ['envelope'],
  ['rotation', 'artifacts', 'compliance', 'testing'],
  ['cli', 'lambda'],
];

const room = (names) => `^src/(${names.join('|')})/`;

const floorRules = FLOORS.flatMap((rooms, floor) =>
  rooms.map((name) => {
    const forbidden = FLOORS.slice(floor)
      .flat()
      .filter((other) => other !== name);
    const providers = name === 'cli' || name === 'lambda' ? [] : ['^providers/'];
    return {
      name: `floor-of-${name}`,
      severity: 'error',
      comment: `${name} stands on floor ${floor}: it imports from lower floors only`,
      from: { path: `^src/${name}/` },
      to: { path: [...(forbidden.length > 0 ? [room(forbidden)] : []), '^src/index\\.ts$', ...providers, '^$'] },
    };
  }),
);

module.exports = {
  forbidden: [
    ...floorRules,
    {
      name: 'testing-knows-keys-only',
      severity: 'error',
      from: { path: '^src/testing/' },
      to: { path: '^src/(envelope|catalog|audit|provenance|storage)/' },
    },
    {
      name: 'providers-know-the-port-only',
      severity: 'error',
      from: { path: '^providers/' },
      to: { path: '^src/', pathNot: '^src/(keys|crypto|bytes|errors)/' },
    },
    {
      name: 'providers-do-not-know-each-other',
      severity: 'error',
      from: { path: '^providers/([^/]+)/' },
      to: { path: '^providers/', pathNot: '^providers/$1/' },
    },
    {
      name: 'root-exports-the-core-only',
      severity: 'error',
      from: { path: '^src/index\\.ts$' },
      to: { path: '^src/(cli|lambda|testing)/' },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-tests-in-the-product',
      severity: 'error',
      from: { path: '^(src|providers)/' },
      to: { path: '^(test|examples)/' },
    },
    {
      name: 'core-depends-on-two-packages',
      severity: 'error',
      comment: 'importing waxseal pulls in tweetnacl, nothing else; sealing to a quorum loads a package for it',
      from: {
        path: '^src/',
        pathNot: '^src/(keys/remote|cli|lambda|catalog|rotation|artifacts|compliance|audit|provenance|storage)/',
      },
      to: { path: 'node_modules/', pathNot: 'node_modules/(tweetnacl|shamir-secret-sharing|@types/node)/' },
    },
    {
      name: 'only-providers-call-remotely',
      severity: 'error',
      comment: 'what remote keys need stays out of the core',
      from: { path: '^src/', pathNot: '^src/(keys/remote|cli|lambda)/' },
      to: { path: '^src/keys/remote/' },
    },
    {
      name: 'no-dev-dependencies-in-the-product',
      severity: 'error',
      from: { path: '^(src|providers)/' },
      // The packages of providers are optional peers, and dev dependencies for our own tests.
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm-peer'],
        pathNot: 'node_modules/@types/',
      },
    },
    { name: 'everything-resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json', '.d.ts'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
