import path from 'node:path';
import { Document, isMap, isScalar, type Scalar, visit } from 'yaml';
import type { Resolved } from './load.js';

/** The resolved config as YAML; a comment after each value says where it was set, or `default`. */
export function annotated({ config, origin }: Resolved): string {
  const place = (at: string) => short(origin.get(at) ?? 'default');
  const document = new Document(config);
  visit(document, {
    Pair(_, { key, value }, ancestors) {
      if (isMap(value) && value.items.length > 0) return;
      const parents = ancestors.flatMap((node) =>
        'key' in node && isScalar(node.key) ? [String(node.key.value)] : [],
      );
      const at = [...parents, String((key as Scalar).value)].join('.');
      if (isScalar(value) || isMap(value)) value.comment = ` ${place(at)}`;
      else (key as Scalar).commentBefore = ` ${at}: ${place(at)}`; // a list
      return visit.SKIP;
    },
  });
  return document.toString({ lineWidth: 0 });
}

/** Shortens the path of a file below the current folder to a relative one. */
function short(place: string): string {
  return place.startsWith(`${process.cwd()}${path.sep}`) ? path.relative(process.cwd(), place) : place;
}
