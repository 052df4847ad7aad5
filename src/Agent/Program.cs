using Berth.Agent;
using Berth.Agent.Unix;

// What images set for their own programs must not reach into this one; children get the variables untouched.
var environment = SessionEnvironment.OfThisProcess();
Native.setenv("OPENSSL_CONF", "/dev/null", 1);

switch (args)
{
    case ["session"]:
        return await SessionAgent.RunAsync(environment, TimeProvider.System);
    case ["--version"]:
        Console.WriteLine(typeof(ServerLink).Assembly.GetName().Version?.ToString(3));
        return 0;
    case [] or ["-c", ..]:
        // In place of the shell that an image has not (Services/Ssh).
        Console.Error.WriteLine("There is no shell in this session's image: scp and sftp work, and `berth session exec` runs programs.");
        return 127;
    default:
        Console.Error.WriteLine("usage: berth-agent session");
        return 2;
}
