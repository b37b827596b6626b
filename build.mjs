// Builds dist/: the verifier as plain scripts that start at once, everything else as modules in chunks, so that a
// command loads only what it uses.
import { spawnSync } from 'node:child_process';
import { chmod, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

const { version } = JSON.parse(await readFile('package.json', 'utf8'));

const common = {
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node20',
  // Native, or large and seldom needed: loaded from node_modules at the moment of use, so that no start pays for them.
  external: [
    'better-sqlite3',
    'pdf-lib',
    'fontkit',
    'pkijs',
    'asn1js',
    '@peculiar/x509',
    'reflect-metadata',
    'age-encryption',
    'inquirer',
    'koa',
    '@koa/router',
    'pkcs11js',
    '@libpdf/core',
  ],
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: 'linked',
  legalComments: 'none',
  logLevel: 'warning',
};
const defined = { 'process.env.CONSUL_VERSION': JSON.stringify(version) };

/** What a script loads later stays a file of its own beside it. */
const apart = {
  name: 'apart',
  setup({ onResolve }) {
    const files = {
      './main.ts': './main.mjs',
      './verify-files.ts': './verify-files.js',
      // By core/verify/code.ts.
      './foreign.ts': './verify-foreign.js',
    };
    onResolve({ filter: /^\.\/(main|verify-files|foreign)\.ts$/ }, ({ path, kind }) =>
      kind === 'dynamic-import' || kind === 'require-call'
        ? { path: files[path], external: true }
        : undefined,
    );
  },
};

await rm('dist', { recursive: true, force: true });
await Promise.all([
  build({
    ...common,
    entryPoints: {
      main: 'cli/main.ts',
      demo: 'cli/demo.ts',
      bench: 'bench/main.ts',
      'code-cache': 'cli/code-cache.ts',
      damage: 'bench/damage.ts',
      // One folder down, as the chunks are: fixtures find the fonts two folders up.
      'suites/conformance': 'bench/conformance.ts',
      'issuing-worker': 'core/issuance/worker.ts',
    },
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    splitting: true,
    format: 'esm',
    define: defined,
    // CommonJS packages inside the bundle ask for Node's own modules by require.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
  }),
  ...[
    { entry: { consul: 'cli/start.ts' }, imports: true },
    { entry: { verify: 'cli/verify.ts' }, imports: false },
    { entry: { 'verify-files': 'cli/verify-files.ts' }, imports: false },
    { entry: { 'verify-foreign': 'core/verify/foreign.ts' }, imports: false },
  ].map(({ entry, imports }) =>
    build({
      ...common,
      entryPoints: entry,
      format: 'cjs',
      plugins: [apart],
      supported: { 'dynamic-import': imports },
      define: { ...defined, 'import.meta.url': 'importMetaUrl' },
      banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    }),
  ),
]);
await writeFile('dist/package.json', '{ "type": "commonjs" }\n');
await chmod('dist/consul.js', 0o755);
await mkdir('dist/assets', { recursive: true });
await cp('node_modules/zxing-wasm/dist/reader/zxing_reader.wasm', 'dist/assets/zxing_reader.wasm');
const { status } = spawnSync(process.execPath, ['dist/code-cache.mjs'], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
if (status !== 0) throw new Error(`dist/code-cache.mjs ended with ${status}`);
await Promise.all(['', '.map'].map((end) => rm(`dist/code-cache.mjs${end}`)));
