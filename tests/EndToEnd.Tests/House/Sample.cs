using Berth.Contracts.Sessions;

namespace Berth.EndToEnd.Tests.House;

/// <summary>Starts that many tests need.</summary>
internal static class Sample
{
    /// <summary>Holds Python and a shell; is made by <c>environments/jupyterlab/build</c>.</summary>
    public const string Image = "berth/jupyterlab:latest";

    /// <summary>Files of the workspace over HTTP: ready much sooner than a JupyterLab.</summary>
    public static StartRequest WebServer(string? name = null) =>
        new(Image: Image, Name: name, Port: 8000, Args: ["python3", "-m", "http.server", "8000"]);

    /// <summary>Python with a program of its own.</summary>
    public static StartRequest Python(string code, double? memoryGb = null, int port = 8000) =>
        new(Image: Image, Port: port, Args: ["python3", "-c", code], MemoryGb: memoryGb);
}
