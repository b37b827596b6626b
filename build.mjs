// Builds dist/: one entry and chunks, so that a command loads only what it uses.
import { chmod, cp, mkdir, readFile, rm } from 'node:fs/promises';
import { build } from 'esbuild';

const { version } = JSON.parse(await readFile('package.json', 'utf8'));

await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: {
    consul: 'cli/main.ts',
    demo: 'cli/demo.ts',
    bench: 'bench/main.ts',
    damage: 'bench/damage.ts',
    'issuing-worker': 'core/issuance/worker.ts',
  },
  outdir: 'dist',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Native, or large and seldom needed: loaded from node_modules at the moment of use, so that no start pays for them.
  external: [
    'better-sqlite3',
    'pkcs11js',
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
  ],
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: 'linked',
  legalComments: 'none',
  define: { 'process.env.CONSUL_VERSION': JSON.stringify(version) },
  // CommonJS packages inside the bundle ask for Node's own modules by require.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  logLevel: 'warning',
});
await chmod('dist/consul.js', 0o755);
await mkdir('dist/assets', { recursive: true });
await cp('node_modules/zxing-wasm/dist/reader/zxing_reader.wasm', 'dist/assets/zxing_reader.wasm');
