import { renewTrust } from '../core/issuance/certificates.ts';
import { messageLanguage, printJson } from './outcome.ts';
import { withPki, withRoot } from './pki-root.ts';
import type { RootOptions } from './root-options.ts';
import { say } from './words.ts';

/** The same content under the next number: a bundle that is not renewed is refused in the end. */
export const renewTrustOf = (options: RootOptions): Promise<void> =>
  withPki(options, async (context) => {
    const { result: bundle, recorded } = await withRoot(context, options, (root) =>
      renewTrust(context, root),
    );
    const { sequence, nextUpdate } = bundle;
    const until = new Date(nextUpdate * 1000).toISOString();
    const file = context.post.paths.trust;
    if (options.json) printJson({ trust: file, sequence, nextUpdate: until, record: recorded?.file });
    else if (!options.quiet) {
      const values = { sequence, day: until.slice(0, 10), file };
      process.stdout.write(`${say(messageLanguage(options), 'trust.renewed', values)}\n`);
    }
  });
