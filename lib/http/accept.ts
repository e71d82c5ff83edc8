import { type ReportFormat, reportTypes } from '../contract/api/formats.ts';
import { Problem } from '../contract/api/problems.ts';

const formats = Object.keys(reportTypes) as ReportFormat[];

/**
 * The form of a report that a client likes best (RFC 9110 §12.5.1).
 * @throws Problem not-acceptable when it takes none of them
 */
export function preferredFormat(accept: string | undefined): ReportFormat {
  const [best] = formats
    .map((format) => ({ format, weight: weightOf(reportTypes[format], accept?.trim() || '*/*') }))
    .toSorted((a, b) => b.weight - a.weight);
  if (best!.weight > 0) return best!.format;
  const types = Object.values(reportTypes).join(', ');
  throw new Problem('not-acceptable', `A report comes as one of ${types}.`);
}

/** How much a client likes a media type: by the range that names it most closely. 0 when none does. */
function weightOf(type: string, accept: string): number {
  const ranges = accept.split(',').flatMap((part) => {
    const [range = '', ...parameters] = part
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/);
    const q = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    const fit = [type, `${type.split('/')[0]}/*`, '*/*'].indexOf(range);
    return fit === -1 ? [] : [{ fit, weight: q === undefined ? 1 : Number(q) || 0 }];
  });
  return ranges.toSorted((a, b) => a.fit - b.fit)[0]?.weight ?? 0;
}
