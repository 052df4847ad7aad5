using Berth.Fakes;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Berth.EndToEnd.Tests;

/// <summary>What publishing makes of .NET's own libraries.</summary>
public sealed class PublishedTests
{
    // The command is made with the same settings, and is one file that nothing can be read from.
    [Theory]
    [InlineData("berth/node")]
    [InlineData("agent")]
    public void No_lock_of_an_async_method_has_lost_its_end_to_the_trimmer(string program)
    {
        var libraries = Directory.GetFiles(Checkout.Published(program), "*.dll").Where(IsManaged).Select(file => AssemblyDefinition.ReadAssembly(file)).ToArray();
        var methods = libraries.SelectMany(library => library.MainModule.GetTypes()).SelectMany(type => type.Methods).Where(method => method is { HasBody: true, Name: "MoveNext" }).ToArray();

        Assert.Contains(methods, method => Calls(method, "Enter") > 0);
        Assert.Empty(methods.Where(method => Calls(method, "Enter") > Calls(method, "Exit")).Select(method => method.FullName));
        foreach (var library in libraries)
            library.Dispose();
    }

    private static int Calls(MethodDefinition method, string name) => method.Body.Instructions.Count(
        instruction => instruction.OpCode.FlowControl == FlowControl.Call && instruction.Operand is MethodReference called
            && called.Name == name && called.DeclaringType.FullName == "System.Threading.Monitor");

    // What is compiled ahead as one is among them, and holds no methods of its own.
    private static bool IsManaged(string file)
    {
        try
        {
            ModuleDefinition.ReadModule(file).Dispose();
            return true;
        }
        catch (BadImageFormatException)
        {
            return false;
        }
    }
}
