// SPDX-License-Identifier: GPL-3.0-or-later
// A frozen catalogue as a job of Flamenco 3: put this file into the Manager's `scripts` folder. See docs/farm.md.
// Tasks of the type "fal" go only to workers whose configuration lists that type: those that have the key, as
// FAL_KEY_FILE in their environment. Settings are visible to every user, so the key is not among them.

const JOB_TYPE = {
    label: "Photoreal Set Catalogue",
    description: "Render the products of a frozen catalogue, and have them photographed at fal.ai",
    settings: [
        { key: "catalogue", type: "string", subtype: "dir_path", required: true,
          description: "The folder that `catalogue FILE --out DIR --freeze` has made, on shared storage" },
        { key: "sha256", type: "string", required: true, description: "What --freeze said" },
        { key: "rows", type: "string", required: true, default: "1-100", description: "Rows, like 1-500" },
        { key: "rows_per_task", type: "int32", required: true, default: 20,
          description: "Rows that one Blender renders; each task also has its own photos made" },
        { key: "python", type: "string", required: true, default: "python3" },
        { key: "batch", type: "string", subtype: "file_path", required: true,
          description: "batch.py of Photoreal Set, on the workers" },
    ],
};

function compileJob(job) {
    const settings = job.settings;
    const report = author.Task("report", "misc");
    report.addCommand(command(settings, ["report", settings.catalogue]));
    // frameChunker sorts and splits lists like 1-20,33.
    for (const rows of frameChunker(settings.rows, settings.rows_per_task)) {
        const models = stage(settings, "cloud", rows, `models ${rows}`, "fal");
        const renders = stage(settings, "render", rows, `render ${rows}`, "blender");
        const photos = stage(settings, "cloud", rows, `photos ${rows}`, "fal");
        renders.addDependency(models);
        photos.addDependency(renders);
        report.addDependency(photos);
        job.addTask(models);
        job.addTask(renders);
        job.addTask(photos);
    }
    job.addTask(report);
}

function stage(settings, name, rows, label, type) {
    const task = author.Task(label, type);
    task.addCommand(command(settings, [
        "resume", settings.catalogue, "--stage", name, "--rows", rows, "--sha256", settings.sha256, "--as-task",
    ]));
    return task;
}

function command(settings, words) {
    return author.Command("exec", { exe: settings.python, args: [settings.batch].concat(words) });
}
