// Checks dashboards against the types of @grafana/schema: `node dashboard_schema.js FILE.json...`, with NODE_PATH where
// that package and typescript are. It writes an object to standard output: what is wrong with each file, in the
// compiler's words.
//
// A dashboard is given to the compiler as the literal that it is, for a type in which each enum is the values that JSON
// has, and each panel has the options of its kind.
"use strict";

const fs = require("fs");
const os = require("os");
const path = require("path");
const ts = require("typescript");

// As the package's paths have them from 12 on.
const RAW = "@grafana/schema/dist/esm/raw";

const TYPES = `
import type * as core from "${RAW}/dashboard/x/Dashboard_types.gen";
import type * as timeseries from "${RAW}/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";
import type * as stat from "${RAW}/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as bargauge from "${RAW}/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen";
import type * as table from "${RAW}/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type * as heatmap from "${RAW}/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen";
import type * as timeline from "${RAW}/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";

// What JSON has where the type has an enum: its values.
type Plain<T> =
    T extends string ? (string extends T ? T : \`\${T}\`) :
    T extends number ? (number extends T ? T : \`\${T}\` extends \`\${infer N extends number}\` ? N : never) :
    T extends (infer U)[] ? Plain<U>[] :
    T extends object ? { [K in keyof T]: Plain<T[K]> } :
    T;

// A query of Prometheus: its plug-in is not in the package.
interface Query {
    refId: string;
    datasource: core.DataSourceRef;
    expr: string;
    legendFormat: string;
    format: "time_series" | "table" | "heatmap";
    instant: boolean;
    range: boolean;
    exemplar?: boolean;
    interval?: string;
}

// The list of alerts is not in the package either.
interface AlertList {
    alertName: string;
    alertInstanceLabelFilter: string;
    dashboardAlerts: boolean;
    groupBy: string[];
    groupMode: "default" | "custom";
    maxItems: number;
    showInstances: boolean;
    showInactiveAlerts: boolean;
    sortOrder: 1 | 2 | 3 | 4 | 5;
    stateFilter: Record<"firing" | "pending" | "recovering" | "noData" | "normal" | "error", boolean>;
    viewMode: "list" | "stat";
}

interface DataLink { title: string; url: string; targetBlank: boolean }

type Defaults<Custom> = Omit<Plain<core.FieldConfig>, "custom" | "links"> & {
    custom?: Partial<Plain<Custom>>;
    links?: DataLink[];
};

// What an override changes: a field's own property, or one of its kind of panel.
type Property<Custom> =
    | Own<Defaults<Custom>>[keyof Defaults<Custom> & string]
    | Kinds<Custom>[keyof Custom & string];
type Own<Field> = { [K in keyof Field & string]-?: { id: K; value: NonNullable<Field[K]> } };
type Kinds<Custom> = { [K in keyof Custom & string]-?: { id: \`custom.\${K}\`; value: NonNullable<Plain<Custom[K]>> } };

interface Override<Custom> {
    matcher: { id: "byName" | "byRegexp"; options: string };
    properties: Property<Custom>[];
}

interface Organize {
    id: "organize";
    options: {
        excludeByName: Record<string, boolean>;
        indexByName: Record<string, number>;
        renameByName: Record<string, string>;
    };
}

interface Merge { id: "merge"; options: Record<string, never> }

type Of<Kind extends string, Options, Custom> =
    Omit<Plain<core.Panel>, "type" | "options" | "fieldConfig" | "targets" | "transformations"> & {
        id: number;
        type: Kind;
        options: Partial<Plain<Options>>;
        fieldConfig: { defaults: Defaults<Custom>; overrides: Override<Custom>[] };
        targets?: Query[];
        transformations?: (Organize | Merge)[];
    };

type Panel =
    | Plain<core.RowPanel>
    | Of<"timeseries", timeseries.Options, timeseries.FieldConfig>
    | Of<"stat", stat.Options, {}>
    | Of<"bargauge", bargauge.Options, {}>
    | Of<"table", table.Options, table.FieldConfig>
    | Of<"heatmap", heatmap.Options, heatmap.FieldConfig>
    | Of<"state-timeline", timeline.Options, timeline.FieldConfig>
    | Of<"alertlist", AlertList, {}>;

type Annotation = Omit<Plain<core.AnnotationQuery>, "target"> & {
    target: Query;
    titleFormat: string;
    textFormat: string;
    tagKeys: string;
    useValueForTime: boolean;
};

type Variable = Omit<Plain<core.VariableModel>, "query"> & { query: string | { query: string; refId: string; qryType: 1 } };

export type Dashboard = Omit<Plain<core.Dashboard>, "annotations" | "panels" | "templating"> & {
    annotations: { list: Annotation[] };
    panels: Panel[];
    templating: { list: Variable[] };
};
`;

// The package's folder stands beside the sources, so that the compiler finds it.
function modules() {
    const folders = (process.env.NODE_PATH ?? "").split(path.delimiter);
    const found = folders.find((folder) => fs.existsSync(`${folder}/@grafana/schema`));
    if (!found) {
        throw new Error("NODE_PATH must name the folder that @grafana/schema and typescript are in");
    }
    return found;
}

function check(files) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "dashboards-"));
    try {
        fs.symlinkSync(path.resolve(modules()), path.join(folder, "node_modules"));
        fs.writeFileSync(path.join(folder, "types.ts"), TYPES);
        const sources = files.map((file, number) => {
            const source = path.join(folder, `dashboard_${number}.ts`);
            const literal = fs.readFileSync(file, "utf8");
            JSON.parse(literal);
            const text = `import type { Dashboard } from "./types";\nexport const dashboard: Dashboard = ${literal};\n`;
            fs.writeFileSync(source, text);
            return source;
        });
        const program = ts.createProgram(sources, {
            strict: true,
            noEmit: true,
            skipLibCheck: true,
            types: [],
            target: ts.ScriptTarget.ES2022,
            module: ts.ModuleKind.ESNext,
            moduleResolution: ts.ModuleResolutionKind.Bundler,
        });
        const told = (diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n");
        const findings = Object.fromEntries(files.map((file) => [file, []]));
        for (const diagnostic of ts.getPreEmitDiagnostics(program)) {
            const number = sources.indexOf(diagnostic.file?.fileName);
            if (number < 0) {
                // Types that are not found would let everything pass.
                throw new Error(`${diagnostic.file?.fileName ?? "the compiler"}: ${told(diagnostic)}`);
            }
            findings[files[number]].push(told(diagnostic));
        }
        return findings;
    } finally {
        fs.rmSync(folder, { recursive: true });
    }
}

console.log(JSON.stringify(check(process.argv.slice(2))));
