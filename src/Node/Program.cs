using Berth.Node;

switch (args)
{
    case ["--data", var folder]:
        return await NodeProgram.RunAsync(folder, joinOnly: false);
    case ["--data", var folder, "--join-only"]:
        return await NodeProgram.RunAsync(folder, joinOnly: true);
    case ["--version"]:
        Console.WriteLine(NodeProgram.Version);
        return 0;
    default:
        Console.Error.WriteLine("usage: berth-node --data FOLDER [--join-only]\nThe folder is made by `berth node join`.");
        return 2;
}
