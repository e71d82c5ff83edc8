import { GraphWidget, type IMetric, type IWidget, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';

/** The title of a section, over the whole width. */
export const heading = (title: string, hint = ''): IWidget =>
  new TextWidget({ markdown: `## ${title}\n${hint}`, width: 24, height: hint === '' ? 1 : 2 });

/** A graph of a third of the width. */
export const graph = (
  title: string,
  left: IMetric[],
  options: { right?: IMetric[]; stacked?: boolean } = {},
): IWidget => new GraphWidget({ title, left, ...options, width: 8, height: 6, leftYAxis: { min: 0 } });
