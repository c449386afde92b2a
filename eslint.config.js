import tseslint from 'typescript-eslint';

const RANDOM = ['randomUUID', 'randomInt', 'randomBytes', 'pseudoRandomBytes'];

// Given to both blocks below: a later `no-restricted-syntax` replaces an earlier one whole.
const BANNED = [
  {
    selector: 'NewExpression[callee.name=/^(Error|AggregateError)$/]',
    message: 'Throw a WaxsealError with a code, or TypeError/RangeError for misuse.',
  },
  { selector: 'ThrowStatement > :matches(Literal, TemplateLiteral)', message: 'Throw errors, not values.' },
  {
    // By any name of the module, the global included; `import { randomBytes }` is caught above.
    selector: `MemberExpression[property.name=/^(${RANDOM.join('|')}|getRandomValues)$/]`,
    message: 'Randomness comes from crypto/secrets.ts (randomFillSync).',
  },
];

export default tseslint.config(
  {
    ignores: [
      'dist',
      'api',
      'coverage',
      'node_modules',
      'test/.cache',
      'test/runtimes/node_modules',
      'test/vectors/**/*.json',
    ],
  },
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js', '*.cjs'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/only-throw-error': 'off',
      // `string | undefined` for options that are handed on is what exactOptionalPropertyTypes asks for.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreVoidOperator: true, ignoreArrowShorthand: true },
      ],
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts', 'providers/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: ['node:crypto', 'crypto'].map((name) => ({
            name,
            importNames: RANDOM,
            message:
              'Randomness comes from crypto/secrets.ts (randomFillSync): the pools behind the others survive snapshots.',
          })),
        },
      ],
      'no-restricted-syntax': ['error', ...BANNED],
    },
  },
  {
    // Secrets of these rooms live in memory of their own (DESIGN 2.8); public bytes may use the ordinary constructor.
    files: ['src/crypto/secrets.ts', 'src/keys/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "NewExpression[callee.name='Uint8Array'] > Literal.arguments",
          message:
            'A small typed array lies on the moving heap: use allocateSecret, or randomPublic for what is public.',
        },
        ...BANNED,
      ],
    },
  },
  { files: ['src/cli/**/*.ts', 'examples/**/*.ts', 'test/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['test/**/*.ts', 'examples/**/*.ts'],
    rules: {
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
    },
  },
  { files: ['**/*.js', '**/*.cjs'], extends: [tseslint.configs.disableTypeChecked] },
);
