using System.Data.Common;
using System.Globalization;
using Berth.Server.Problems;
using Dapper;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Berth.Server.Paging;

/// <summary>Which part of a list is asked for; names and headers are Renku's.</summary>
/// <param name="Page">1 for the first.</param>
/// <param name="PerPage">Entries of a page.</param>
public sealed record PageRequest(
    [FromQuery(Name = "page")] int? Page = null, [FromQuery(Name = "per_page")] int? PerPage = null)
{
    private const int Most = 1000;
    private const int Last = 1_000_000;

    /// <summary>The whole list as one page: for what is no answer of the API.</summary>
    public static PageRequest Everything { get; } = new(1, int.MaxValue);

    /// <summary>Which page, in range.</summary>
    /// <exception cref="ProblemException">It is not.</exception>
    public int Number => Check.Range(Page ?? 1, 1, Last, "page");

    /// <summary>How many at most, in range.</summary>
    /// <exception cref="ProblemException">They are not.</exception>
    public int Size => ReferenceEquals(this, Everything) ? int.MaxValue : Check.Range(PerPage ?? Most, 1, Most, "per_page");

    /// <summary>One page of what a query yields.</summary>
    /// <param name="connection">Where.</param>
    /// <param name="select">The query, without order.</param>
    /// <param name="order">Columns of it that put it in one order.</param>
    /// <param name="args">Of the query.</param>
    public async Task<PageOf<T>> QueryAsync<T>(DbConnection connection, string select, string order, object args)
    {
        var rows = (await connection.QueryAsync<T>($"SELECT * FROM ({select}) AS everything ORDER BY {order} LIMIT @Limit OFFSET @Offset", With(args))).AsList();
        return new PageOf<T>(rows, await TotalAsync(connection, select, args, rows.Count), this);
    }

    /// <summary>The query's arguments, with those of <c>LIMIT @Limit OFFSET @Offset</c>.</summary>
    public DynamicParameters With(object args)
    {
        var all = new DynamicParameters(args);
        all.Add("Limit", Size);
        all.Add("Offset", (long)(Number - 1) * Size);
        return all;
    }

    /// <summary>How many a query yields in all; asked only where this page does not tell.</summary>
    public async Task<int> TotalAsync(DbConnection connection, string select, object args, int onThisPage) =>
        Number == 1 && onThisPage < Size ? onThisPage : await connection.ExecuteScalarAsync<int>($"SELECT count(*) FROM ({select}) AS everything", args);
}

/// <summary>A part of a list.</summary>
/// <param name="Items">Of this page.</param>
/// <param name="Total">Of all pages.</param>
/// <param name="Request">Which page.</param>
public sealed record PageOf<T>(List<T> Items, int Total, PageRequest Request)
{
    /// <summary>Number of pages; at least one.</summary>
    public int Pages => Math.Max(1, (int)((Total + (long)Request.Size - 1) / Request.Size));

    /// <summary>The same page of other words.</summary>
    public PageOf<TOther> Select<TOther>(Func<T, TOther> to) => new([.. Items.Select(to)], Total, Request);

    /// <summary>As the API answers it: a list, with the rest in headers.</summary>
    public Ok<List<T>> Answer(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers["page"] = Text(Request.Number);
        headers["per-page"] = Text(Request.Size);
        headers["total"] = Text(Total);
        headers["total-pages"] = Text(Pages);
        return TypedResults.Ok(Items);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
