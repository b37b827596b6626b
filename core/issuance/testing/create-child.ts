import { createPost } from '../create-post.ts';
import { type Death, dieAt } from './effects.ts';
import { passphrase } from './post.ts';
import { settings } from './template.ts';

// For tests only: a process that makes a post, and dies while it does.

const { home, death } = JSON.parse(process.argv[2] ?? '') as { home: string; death?: Death };
dieAt(death);
await createPost({
  home,
  settings,
  passphrase: { bytes: passphrase, origin: 'random' },
  now: new Date(),
});
