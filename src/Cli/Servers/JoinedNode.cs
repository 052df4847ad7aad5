using System.Net.Http.Headers;
using System.Text.Json;
using Berth.Contracts.Client;
using Berth.Contracts.Json;
using Berth.Contracts.Nodes;
using Berth.Tunnel;

namespace Berth.Cli.Servers;

/// <summary>The data folder of a node that has joined a server, as its user sees it.</summary>
internal sealed class JoinedNode(string folder)
{
    private string SettingsFile => Path.Combine(folder, NodeFiles.Settings);

    /// <exception cref="CliException">It has not joined.</exception>
    public NodeSettings Settings => Read(SettingsFile, NodeJson.Default.NodeSettings) ?? throw NotJoined();

    /// <exception cref="CliException">It has not joined.</exception>
    public NodeIdentity Identity => Read(Path.Combine(folder, NodeFiles.Identity), NodeJson.Default.NodeIdentity) ?? throw NotJoined();

    /// <summary>Keeps what it offers: a node that runs says so to its server when it connects the next time.</summary>
    public void Keep(NodeOffer offer) => PrivateFile.Write(SettingsFile, JsonSerializer.Serialize(Settings with { Offer = offer }, NodeJson.Default.NodeSettings));

    /// <summary>Its server, asked in the machine's own name.</summary>
    public ApiClient Connect(TimeProvider time)
    {
        var authorities = Path.Combine(folder, NodeFiles.Authorities);
        var http = new HttpClient(ServerDialer.Handler(File.Exists(authorities) ? authorities : null)) { BaseAddress = new Uri(Settings.Server.TrimEnd('/') + "/") };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", File.ReadAllText(Path.Combine(folder, NodeFiles.Token)).Trim());
        return new ApiClient(http, time);
    }

    private static T? Read<T>(string file, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize(File.ReadAllText(file), type) : null;
        }
        catch (JsonException e)
        {
            throw new CliException(ExitCodes.Error, $"{file} cannot be read: {e.Message}");
        }
    }

    private CliException NotJoined() =>
        new(ExitCodes.NotFound, $"This machine has not joined a server: {folder} is not the data folder of a node that has. See `berth node join --help`.");
}
